// SPDX-License-Identifier: Apache-2.0
#include "core/sampling/tuning/hottest_climb.h"

#include <algorithm>

namespace potluck {

namespace {

constexpr int64_t kWindows = 5;
constexpr double kMostRejection = 0.8;  // of a proposal to swap

}  // namespace

HottestClimb::HottestClimb(int64_t replicas, int64_t steps, int64_t least_steps)
    : replicas_(replicas),
      steps_(steps),
      length_(std::max<int64_t>(std::min(steps / 10, least_steps * 3 / 20), 4)),
      found_(least_steps > 0 && steps >= least_steps ? Hottest::kUnknown : Hottest::kGiven),
      watch_(replicas, length_) {}

int64_t HottestClimb::window_of(int64_t step) const {
  int64_t window = 0;
  while (end_of(window) <= step) ++window;
  return window;
}

bool HottestClimb::watches(int64_t step) const {
  return found_ != Hottest::kGiven && found_ != Hottest::kCrossed && step < end_of(kWindows - 1) &&
         step_in_window(step) >= 0;
}

double HottestClimb::observe(int64_t step, const CohortReading& reading, const CohortPositions* positions,
                             const LadderTuner& ladder) {
  watch_.observe(step_in_window(step), reading.replica, reading.frozen, positions);
  const int64_t window = window_of(step);
  if (step + 1 < end_of(window)) return 1;
  const CrossingWatch::Found found = watch_.judge();
  watch_.clear();
  return decide(found, window + 1 == kWindows, ladder);
}

/// Where replicas stayed before, those that are slow now cross, but seldom.
double HottestClimb::decide(CrossingWatch::Found found, bool last, const LadderTuner& ladder) {
  const bool stay = found == CrossingWatch::Found::kStay, slow = found == CrossingWatch::Found::kSlow && stayed_;
  stayed_ = stayed_ || stay;
  if (found == CrossingWatch::Found::kCross) found_ = Hottest::kCrossed;
  if ((!stay && !slow) || !ladder.known()) return 1;
  const bool too_far = ladder.barrier_with(kFactor) > kMostRejection * static_cast<double>(replicas_ - 1);
  if (!too_far && !last) {
    found_ = Hottest::kUnknown;
    return kFactor;
  }
  if (stay) found_ = too_far ? Hottest::kTooFar : Hottest::kStillStays;
  if (slow && found_ == Hottest::kUnknown) found_ = Hottest::kCrossed;
  return 1;
}

void HottestClimb::persist(StateArchive& archive) {
  const bool climbs = found_ != Hottest::kGiven;
  archive(found_, stayed_, watch_);
  archive.demand(found_ <= Hottest::kStillStays && (found_ != Hottest::kGiven) == climbs, "findings of a ladder");
}

}  // namespace potluck
