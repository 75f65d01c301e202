// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include "core/backend/thread_pool.h"
#include "core/comparison/permutations.h"
#include "core/comparison/rows.h"

namespace potluck {

/// The squared kernel Stein discrepancy of a sample from a law that is known by its score s = d log p/dx (Liu, Lee &
/// Jordan 2016, equation 14, without bias; Chwialkowski, Strathmann & Gretton 2016), under the inverse multiquadric
/// kernel of Gorham & Mackey 2017, with c the median distance of the rows:
///
///   k(x, y) = (c^2 + |x - y|^2)^(-1/2)
///   u(x, y) = s(x) s(y) k + s(x) dk/dy + s(y) dk/dx + trace d^2k/dxdy
///
/// the mean of u over pairs of different rows. Its mean is 0 where the rows are of the law. No normaliser of p is
/// needed. The law of the value under that is drawn by the wild bootstrap: u is summed with a sign w_i w_j, w_i = +-1.
/// Sign i of resampling b is that of word i mod 4 of block i / 4 of purpose kShuffle, name `comparison.bootstrap`,
/// step b: negative where its last bit is set.
/// @param scores  [count, D]
Resampled stein_discrepancy(const Rows& rows, const std::vector<double>& scores, int64_t resamplings, uint32_t seed,
                            ThreadPool& threads);

}  // namespace potluck
