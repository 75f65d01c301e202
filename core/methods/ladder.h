// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include "core/state_archive.h"

namespace potluck {

/// What warm-up found where it was to choose the hottest temperature.
enum class Hottest : uint8_t {
  kGiven,      ///< it was not to
  kUnknown,    ///< whether replicas cross between regions could not be told
  kCrossed,    ///< they do
  kTooFar,     ///< they do not, and neighbours would hardly swap in a longer ladder
  kStillStays  ///< they do not at the highest temperature that was to be tried
};

/// The replicas of a chain, the coldest first: at the temperature of the run.
struct Ladder {
  std::vector<double> temperature;
  std::vector<double> step_factor;  ///< a replica's step size over the coldest one's
  Hottest hottest = Hottest::kGiven;

  /// @throws FileError where what is read is no ladder of as many replicas.
  void persist(StateArchive& archive);
};

/// Equal ratios from the coldest temperature to the hottest, step factors 1.
Ladder geometric_ladder(double coldest, double hottest, int64_t replicas);

}  // namespace potluck
