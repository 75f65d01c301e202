// SPDX-License-Identifier: Apache-2.0
#include "core/learning/learning_rate.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace potluck {

double Budget::used(int64_t updates_done, double seconds_done) const {
  double share = 0;
  if (updates > 0) share = static_cast<double>(updates_done) / static_cast<double>(updates);
  if (seconds > 0) share = std::max(share, seconds_done / seconds);
  return std::min(share, 1.0);
}

double LearningRate::at(int64_t update, double used) const {
  double now = rate;
  if (update < warm_up) now *= static_cast<double>(update + 1) / static_cast<double>(warm_up);
  switch (decay) {
    case Decay::kNone:
      return now;
    case Decay::kLinear:
      return now * (1 - used);
    case Decay::kCosine:
      return now * (1 + std::cos(std::numbers::pi * used)) / 2;
  }
  return now;
}

}  // namespace potluck
