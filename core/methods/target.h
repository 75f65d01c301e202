// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "core/energy/energy.h"
#include "core/variables/variable.h"

namespace potluck {

/// What is sampled: exp(-E(x)/T) on the coordinates that are not held.
struct Target {
  const Energy* energy = nullptr;
  std::vector<Held> held;  ///< one per variable
  double temperature = 1;  ///< T > 0, acts once on the finished composite
};

}  // namespace potluck
