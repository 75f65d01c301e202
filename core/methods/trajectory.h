// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>

#include "core/backend/kernels.h"

namespace potluck {

/// A leapfrog trajectory from the current state into the proposal, one evaluation a step; log_ratio becomes the change
/// of kinetic energy.
/// @param refresh draws the velocity that the trajectory begins with; none: the current state's own.
void leapfrogs(Group& group, const Kernels& kernels, uint32_t step, const std::optional<Piece>& refresh, double h,
               int64_t steps);

}  // namespace potluck
