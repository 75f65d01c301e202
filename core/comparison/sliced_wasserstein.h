// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "core/backend/thread_pool.h"
#include "core/comparison/permutations.h"
#include "core/comparison/rows.h"

namespace potluck {

/// The squared sliced Wasserstein-2 distance of two samples (Bonneel, Rabin, Peyré & Pfister 2015): the mean over
/// random directions u of the squared Wasserstein-2 distance of the numbers u . x, which is that of their quantiles,
///
///   mean over u of  integral over q in (0, 1) of (F^-1(q) - G^-1(q))^2
///
/// In units of the rows, squared. It has a bias: two samples of one law are apart too, and the level says how far.
/// Direction d is along normals 0 ... D - 1 of purpose kProposal, name `comparison.direction`, step d, chain 0.
/// @param rows  the pooled rows  @param directions  >= 1
Resampled sliced_wasserstein(const Rows& rows, const Relabellings& relabellings, int64_t directions, uint32_t seed,
                             ThreadPool& threads);

}  // namespace potluck
