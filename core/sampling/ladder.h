// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include "core/sampling/state_archive.h"

namespace potluck {

/// The replicas of a chain, the coldest first: at the temperature of the run.
struct Ladder {
  std::vector<double> temperature;
  std::vector<double> step_factor;  ///< a replica's step size over the coldest one's

  void persist(StateArchive& archive) { archive(temperature, step_factor); }
};

/// Equal ratios from the coldest temperature to the hottest, step factors 1.
Ladder geometric_ladder(double coldest, double hottest, int64_t replicas);

}  // namespace potluck
