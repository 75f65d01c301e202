// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>

#include "core/methods/method.h"
#include "core/sampling/run/run.h"
#include "core/sampling/tuning/cohort_tuning.h"

namespace potluck {

/// Step sizes at levels of noise, eta times the square of the level (Schedule::step_by_level). Where warm-up tunes the
/// method's own step size and no eta is given, eta is tuned with it, by the same observations over all levels. Else a
/// method like that of the run moves the chains by a fixed eta. An unadjusted method is never tuned there: its adjusted
/// relative, which warm-up tunes in its place, would hardly leave the positions in which a level begins.
class LevelSteps {
 public:
  /// All that is given outlives this.
  LevelSteps(const Target& target, const RunOptions& options, Method& method, CohortTuning& tuning);

  /// What moves the chains at the levels; null: what warm-up tunes.
  const Method* method() const { return fixed_.get(); }

  /// To be called at the first step of each level, and of the first behind the last one with their number.
  void begin(int64_t level);
  /// Sets what the state of the tuning does not have, where a run goes on within a level.
  void go_on(int64_t level);

 private:
  /// Of the level; behind the last one of the target, or where that has no noise of the last level.
  double square(int64_t level) const;

  const Schedule& schedule_;
  double target_noise_ = 0;
  CohortTuning& tuning_;
  std::unique_ptr<Method> fixed_;
};

}  // namespace potluck
