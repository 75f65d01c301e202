// SPDX-License-Identifier: Apache-2.0
#include "core/sampling/hottest_climb.h"

#include <algorithm>

namespace potluck {

namespace {

constexpr int64_t kWindows = 5;
constexpr double kMostRejection = 0.8;  // of a proposal to swap

}  // namespace

HottestClimb::HottestClimb(int64_t replicas, int64_t steps, bool asked)
    : replicas_(replicas),
      steps_(steps),
      found_(asked ? Hottest::kUnknown : Hottest::kGiven),
      watch_(replicas, std::max<int64_t>(steps / 10, 4)) {}

/// -1 before the first.
int64_t HottestClimb::window_of(int64_t step) const {
  int64_t window = -1;
  while (first_step(window + 1) <= step) ++window;
  return window;
}

bool HottestClimb::watches(int64_t step) const {
  return found_ != Hottest::kGiven && found_ != Hottest::kCrossed && step >= first_step(0) &&
         step < first_step(kWindows);
}

double HottestClimb::observe(int64_t step, const CohortReading& reading, const CohortPositions* positions,
                             const LadderTuner& ladder) {
  watch_.observe(step_in_window(step), reading.replica, reading.frozen, positions);
  const int64_t window = window_of(step);
  if (step + 1 < first_step(window + 1)) return 1;
  const CrossingWatch::Found found = watch_.judge();
  watch_.clear();
  if (found == CrossingWatch::Found::kUnknown) return 1;
  if (found == CrossingWatch::Found::kCross) {
    found_ = Hottest::kCrossed;
    return 1;
  }
  if (!ladder.known()) return 1;
  if (ladder.barrier_with(kFactor) > kMostRejection * static_cast<double>(replicas_ - 1)) {
    found_ = Hottest::kTooFar;
    return 1;
  }
  found_ = window + 1 < kWindows ? Hottest::kUnknown : Hottest::kStillStays;
  return window + 1 < kWindows ? kFactor : 1;
}

}  // namespace potluck
