// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

namespace potluck {

/// p-values of several tests, made larger so that the probability of any false alarm among all of them is at most the
/// level that they are held against, however they depend on each other (Holm 1979). In the order given.
std::vector<double> holm(const std::vector<double>& p);

}  // namespace potluck
