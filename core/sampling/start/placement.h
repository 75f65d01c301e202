// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

#include "core/chains/chains.h"
#include "core/sampling/start/start.h"

namespace potluck {

struct Placement {
  std::string description;  ///< of the start, and whether starts had to be drawn again
  bool exact = false;
};

/// Sets all chains to their starts, evaluated; a chain whose start has no density (+infinity) is drawn again.
/// @param ids of the rows. @param replicas rows of a chain. @throws NumericalError where a chain finds no start with
/// density.
Placement place(Chains& chains, const Start& start, const std::vector<Variable>& variables, uint32_t seed,
                const std::vector<int64_t>& ids, int64_t replicas);

}  // namespace potluck
