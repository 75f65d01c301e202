// SPDX-License-Identifier: Apache-2.0
#include "core/learning/auroc.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace potluck {

Auroc auroc(const std::vector<double>& first, const std::vector<double>& second) {
  const auto n = static_cast<double>(first.size()), m = static_cast<double>(second.size());
  Auroc found;
  found.standard_error = std::sqrt((n + m + 1) / (12 * n * m));
  std::vector<double> sorted = second;
  const auto is_none = [](double number) { return std::isnan(number); };
  if (std::any_of(first.begin(), first.end(), is_none) || std::any_of(sorted.begin(), sorted.end(), is_none)) {
    found.value = std::numeric_limits<double>::quiet_NaN();
    return found;
  }
  std::sort(sorted.begin(), sorted.end());
  double below = 0;  // U: pairs in which the first is above the second
  for (const double number : first) {
    const auto [low, high] = std::equal_range(sorted.begin(), sorted.end(), number);
    below += static_cast<double>(low - sorted.begin()) + 0.5 * static_cast<double>(high - low);
  }
  found.value = below / (n * m);
  return found;
}

}  // namespace potluck
