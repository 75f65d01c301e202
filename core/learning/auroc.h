// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

namespace potluck {

/// How well a number tells the members of two groups apart: the area under the receiver operating characteristic.
struct Auroc {
  double value = 0.5;         ///< 0.5: not at all; 1: all of the first group are above all of the second
  double standard_error = 0;  ///< of `value` where both groups are draws of one law: sqrt((n + m + 1) / (12 n m))
};

/// The probability that a member of `first` [n] is above one of `second` [m], ties counting half: the statistic U of
/// Mann & Whitney 1947 over n m, through the ranks of all. Not a number where some member is none.
/// @pre neither is empty
Auroc auroc(const std::vector<double>& first, const std::vector<double>& second);

}  // namespace potluck
