// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "core/chains/chains.h"
#include "core/methods/ladder.h"
#include "core/sampling/tuning/crossing_watch.h"
#include "core/sampling/tuning/ladder_tuner.h"
#include "core/state_archive.h"

namespace potluck {

/// Raises the hottest temperature of ladders in the warm-up until replicas cross between regions there.
///
/// Replicas are judged at 20, 30, 40, 50 and 60 % of the warm-up by what they did in the window before (CrossingWatch):
/// a tenth of the warm-up, or 3/20 of the shortest warm-up that can be judged where that is less, so that how slowly
/// they may cross does not hang on the length of the warm-up. Where they stay, or are slow where they stayed before,
/// the hottest temperature becomes three times as high, but for the last time, and but where neighbours would then swap
/// at a rate below 0.2: a ladder that hardly swaps brings nothing down. Where they cross, they are watched no more.
class HottestClimb {
 public:
  static constexpr double kFactor = 3;

  /// @param steps        of the warm-up
  /// @param least_steps  of a warm-up in which replicas are watched; 0: in none
  HottestClimb(int64_t replicas, int64_t steps, int64_t least_steps);

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

  /// @throws FileError where what is read is nothing that this climb can have found.
  void persist(StateArchive& archive);

 private:
  double decide(CrossingWatch::Found found, bool last, const LadderTuner& ladder);
  /// The step behind window 0, 1, ...
  int64_t end_of(int64_t window) const { return ((window + 2) * steps_ + 9) / 10; }
  /// The window that ends next.
  int64_t window_of(int64_t step) const;
  int64_t step_in_window(int64_t step) const { return step - (end_of(window_of(step)) - length_); }

  int64_t replicas_, steps_, length_;  ///< the last: of a window
  Hottest found_;
  bool stayed_ = false;  ///< in some window
  CrossingWatch watch_;
};

}  // namespace potluck
