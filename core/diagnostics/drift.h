// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>

#include "core/diagnostics/convergence.h"

namespace potluck {

/// Whether a number still moved, in all chains together, when recording began. R-hat compares chains with each other:
/// what all of them have in common it does not see.
struct Drift {
  double first = 0;           ///< mean over all chains of the first tenth of the draws
  double last = 0;            ///< of the last half
  double standard_error = 0;  ///< of their difference
  double score = 0;           ///< first - last in standard errors, as a normal score; NaN: not known
  /// Tenths of the run, from its start, that differ from the last half by more than kDriftedScore; 5: the first half
  /// does, so that nobody knows how much longer it takes.
  int tenths = 0;
};

/// Fewer draws a chain have no tenth to speak of.
inline constexpr int64_t kLeastDrawsForDrift = 20;
/// Of so many independent chains the differences of each tell their own standard error, by Student's t. Of fewer, and
/// before a drift is believed in any case, that of the draws counts: from the variance and the effective sample size of
/// the last half, as if the tenth before had the same.
inline constexpr int64_t kEnoughChainsForDrift = 16;
/// Where the last half has fewer effective draws, its standard error is a guess, and R-hat has to tell.
inline constexpr double kLeastEffectiveForDrift = 25;
inline constexpr double kDriftedScore = 3;

/// @param group  [chains]: which of the independent groups a chain belongs to, any numbers; empty: each is alone
/// @return score NaN where a value is not finite, there are fewer than kLeastDrawsForDrift draws, nothing
///   varies, or the last half has too few effective draws
Drift drift_of(const ChainValues& draws, std::span<const int64_t> group = {});

}  // namespace potluck
