// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "core/backend/chains.h"
#include "core/sampling/crossing_watch.h"
#include "core/sampling/ladder.h"
#include "core/sampling/ladder_tuner.h"
#include "core/sampling/state_archive.h"

namespace potluck {

/// Raises the hottest temperature of ladders in the warm-up until replicas cross between regions there.
///
/// Five windows, each a tenth of the warm-up, begin at 10 %. Behind each of them replicas are judged by what they did
/// in it (CrossingWatch). Where they stay, the hottest temperature becomes three times as high, but for the last
/// window, and but where neighbours would then swap at a rate below 0.2: a ladder that hardly swaps brings nothing
/// down. Where they cross, no window follows.
class HottestClimb {
 public:
  static constexpr double kFactor = 3;

  /// @param steps  of the warm-up
  /// @param asked  false: nothing is watched
  HottestClimb(int64_t replicas, int64_t steps, bool asked);

  /// Step `step` (0, 1, ...) is in a window.
  bool watches(int64_t step) const;
  /// Of a step that is watched: positions are wanted.
  bool reads(int64_t step) const { return watch_.reads(step_in_window(step)); }
  /// Of a step that is watched.
  /// @param positions  where they are wanted; else null
  /// @return the factor by which the hottest temperature is to be raised now; 1: it stays
  double observe(int64_t step, const CohortReading& reading, const CohortPositions* positions,
                 const LadderTuner& ladder);
  Hottest found() const { return found_; }

  void persist(StateArchive& archive) { archive(found_, watch_); }

 private:
  int64_t first_step(int64_t window) const { return ((window + 1) * steps_ + 9) / 10; }
  int64_t window_of(int64_t step) const;
  int64_t step_in_window(int64_t step) const { return step - first_step(window_of(step)); }

  int64_t replicas_, steps_;
  Hottest found_;
  CrossingWatch watch_;
};

}  // namespace potluck
