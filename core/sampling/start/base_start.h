// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <vector>

#include "core/energy/annealed_energy.h"
#include "core/sampling/start/start.h"

namespace potluck {

/// Exact draws of the base that annealing begins with. `attempt` of draw() is the step that addresses their noise.
/// @param held one per variable
std::unique_ptr<Start> base_start(const std::vector<Variable>& variables, const std::vector<Held>& held,
                                  const AnnealedBase& base);

}  // namespace potluck
