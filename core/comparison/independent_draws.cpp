// SPDX-License-Identifier: Apache-2.0
#include "core/comparison/independent_draws.h"

#include <algorithm>
#include <cmath>

namespace potluck {

int64_t independent_draws(int64_t draws, double autocorrelation_time) {
  if (autocorrelation_time <= 1) return draws;
  const double correlation = (autocorrelation_time - 1) / (autocorrelation_time + 1);
  const double spacing = std::max(1.0, std::log(kMostCorrelation) / std::log(correlation));
  return std::max<int64_t>(1, static_cast<int64_t>(static_cast<double>(draws) / spacing));
}

}  // namespace potluck
