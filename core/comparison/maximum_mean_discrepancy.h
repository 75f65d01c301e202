// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/backend/thread_pool.h"
#include "core/comparison/pair_distances.h"
#include "core/comparison/permutations.h"

namespace potluck {

/// The bandwidths of the kernel, in units of the median distance.
inline constexpr double kMmdBandwidths[] = {0.5, 1, 2};

/// The squared maximum mean discrepancy of two samples, without bias (Gretton, Borgwardt, Rasch, Schölkopf & Smola
/// 2012, equation 3), under a sum of Gaussian kernels:
///
///   k(x, y) = sum over s of exp(-|x - y|^2 / (2 (s h)^2)),   h the median distance of the pooled rows
///
/// Its mean is 0 where both are of one law and positive elsewhere; its values may be negative.
Resampled maximum_mean_discrepancy(const PairDistances& distances, const Relabellings& relabellings,
                                   ThreadPool& threads);

}  // namespace potluck
