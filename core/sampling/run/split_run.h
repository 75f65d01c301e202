// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include "core/sampling/run/run.h"

namespace potluck {

/// The chains of each of `world` processes that share a run, cut where it makes no difference to their bits: anywhere
/// in the cohort, which every process recomputes whole, and behind it between tiles. Where an expert's
/// rows depend on their company (Energy::rows_alone) the bits may differ all the same, and run() says so.
/// @throws SettingError with the reason where the run cannot be split, or not among so many
std::vector<Rank> split_run(const Target& target, const RunOptions& options, int64_t world);

}  // namespace potluck
