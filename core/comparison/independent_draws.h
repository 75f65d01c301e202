// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace potluck {

/// How much two draws of a chain may still have to do with each other where both count as independent.
inline constexpr double kMostCorrelation = 0.02;

/// How many of the draws of a chain count as independent, evenly spaced: at least 1, at most all of them. One for each
/// autocorrelation time t, which is what an effective sample size counts, is too many: a chain x' = r x + noise has
/// t = (1 + r) / (1 - r), and after t steps a correlation of r^t, which is exp(-2) where t is large. The spacing s here
/// is that at which such a chain has the correlation kMostCorrelation:
///
///   s = log(kMostCorrelation) / log((t - 1) / (t + 1)),   about 2 t where t is large, and 1 at least
///
/// @param autocorrelation_time  draws over their effective sample size; 1 or less: they are independent
int64_t independent_draws(int64_t draws, double autocorrelation_time);

}  // namespace potluck
