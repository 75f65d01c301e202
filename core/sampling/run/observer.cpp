// SPDX-License-Identifier: Apache-2.0
#include "core/sampling/run/observer.h"

#include <cmath>

namespace potluck {

double Progress::steps_a_second() const {
  return done_here > 0 && seconds_here > 0 ? static_cast<double>(done_here) / seconds_here : std::nan("");
}

double Progress::gradients_a_second() const {
  return gradients_here > 0 && seconds_here > 0 ? gradients_here / seconds_here : std::nan("");
}

double Progress::seconds_left() const {
  const double gradients = static_cast<double>(total - done) * gradients_a_step * static_cast<double>(chains);
  return gradients / gradients_a_second();
}

}  // namespace potluck
