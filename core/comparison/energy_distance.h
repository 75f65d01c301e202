// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/backend/thread_pool.h"
#include "core/comparison/pair_distances.h"
#include "core/comparison/permutations.h"

namespace potluck {

/// The energy distance of two samples (Székely & Rizzo 2013), 2 E|X - Y| - E|X - X'| - E|Y - Y'|, each mean over pairs
/// of different rows, so that it has no bias: its mean is 0 where both are of one law, and its values may be negative.
/// In units of the rows.
Resampled energy_distance(const PairDistances& distances, const Relabellings& relabellings, ThreadPool& threads);

}  // namespace potluck
