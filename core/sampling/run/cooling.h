// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>
#include <cstdint>

namespace potluck {

/// A temperature schedule for starts, as of simulated annealing (Kirkpatrick, Gelatt & Vecchi 1983): in steps before
/// the warm-up the chains move at temperatures that fall geometrically to that of the run, so that they cross from mode
/// to mode while hills are low. In which mode a chain freezes is decided by the schedule, not by the mode's weight.
struct Cooling {
  double from = 0;    ///< temperature of the first step, above that of the run
  int64_t steps = 0;  ///< 0: none

  bool any() const { return steps > 0; }
  /// Of step 0, 1, ..., steps - 1: T (from/T)^(1 - step/steps).
  double temperature(int64_t step, double of_the_run) const {
    const double rest = 1 - static_cast<double>(step) / static_cast<double>(steps);
    return of_the_run * std::pow(from / of_the_run, rest);
  }
};

}  // namespace potluck
