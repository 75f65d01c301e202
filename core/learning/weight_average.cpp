// SPDX-License-Identifier: Apache-2.0
#include "core/learning/weight_average.h"

#include <algorithm>
#include <utility>

namespace potluck {

WeightAverage::WeightAverage(const Learnable& learnable, double decay)
    : decay_(decay), values_(learnable.arrays().size()) {
  for (size_t a = 0; a < values_.size(); ++a)
    if (learnable.arrays()[a].learned) values_[a] = learnable.numbers(a);
}

void WeightAverage::add(const Learnable& learnable) {
  const double t = static_cast<double>(count_++), kept = std::min(decay_, (1 + t) / (10 + t));
  for (size_t a = 0; a < values_.size(); ++a) {
    if (values_[a].empty()) continue;
    const std::vector<double> now = learnable.numbers(a);
    for (size_t i = 0; i < now.size(); ++i) values_[a][i] = kept * values_[a][i] + (1 - kept) * now[i];
  }
}

void WeightAverage::exchange(Learnable& learnable) {
  for (size_t a = 0; a < values_.size(); ++a) {
    if (values_[a].empty()) continue;
    std::vector<double> now = learnable.numbers(a);
    learnable.set_numbers(a, values_[a]);
    values_[a] = std::move(now);
  }
  learnable.changed();
}

}  // namespace potluck
