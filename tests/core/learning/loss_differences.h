// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <vector>

#include "core/learning/learnable.h"
#include "core/learning/objective.h"

namespace potluck::testing {

/// Sums of zeros for the arrays that are learned.
inline ParameterSums zero_sums(const Learnable& learnable) {
  ParameterSums sums(learnable.arrays().size());
  for (size_t a = 0; a < sums.size(); ++a)
    if (learnable.arrays()[a].learned) sums[a].resize(static_cast<size_t>(learnable.arrays()[a].size()));
  return sums;
}

/// The largest distance of `sums` from central differences of `loss` by the parameters, relative to 1 + their size.
/// Values are put back.
template <class Loss>
double worst_against_differences(Learnable& learnable, const ParameterSums& sums, const Loss& loss) {
  constexpr double kStep = 1e-5;
  double worst = 0;
  for (size_t a = 0; a < sums.size(); ++a) {
    const std::vector<double> before = learnable.numbers(a);
    const auto at = [&](size_t i, double value) {
      std::vector<double> moved = before;
      moved[i] = value;
      learnable.set_numbers(a, moved);
      learnable.changed();
      return loss();
    };
    for (size_t i = 0; i < sums[a].size(); ++i) {
      const double difference = (at(i, before[i] + kStep) - at(i, before[i] - kStep)) / (2 * kStep);
      const double apart = std::abs(sums[a][i] - difference) / (1 + std::abs(difference));
      worst = std::isnan(apart) ? INFINITY : std::max(worst, apart);
    }
    learnable.set_numbers(a, before);
    learnable.changed();
  }
  return worst;
}

}  // namespace potluck::testing
