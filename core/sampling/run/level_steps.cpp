// SPDX-License-Identifier: Apache-2.0
#include "core/sampling/run/level_steps.h"

#include <algorithm>
#include <cmath>

namespace potluck {

namespace {

/// Warm-up tunes the step sizes of the method itself, of all of its parts.
bool tunes_itself(Method& method, const CohortTuning& tuning) {
  if (!tuning.any() || &tuning.tuned() != &method) return false;
  const std::vector<MethodPart> parts = method.parts();
  return std::all_of(parts.begin(), parts.end(), [](const MethodPart& part) {
    return part.method->level_step_size() == 0 || part.method->tuning().acceptance;
  });
}

}  // namespace

LevelSteps::LevelSteps(const Target& target, const RunOptions& options, Method& method, CohortTuning& tuning)
    : schedule_(options.anneal), tuning_(tuning) {
  if (!schedule_.any() || !schedule_.step_by_level) return;
  target_noise_ = target.held[static_cast<size_t>(schedule_.given[0].variable)].value[0];
  if (!schedule_.step_size && tunes_itself(method, tuning)) return;
  fixed_ = make_method(options);
  fixed_->prepare(target);
}

double LevelSteps::square(int64_t level) const {
  const auto noise = [this](int64_t of) { return schedule_.value(of, schedule_.given[0].from, target_noise_); };
  const double own = noise(level);
  return std::pow(level >= schedule_.levels && own == 0 ? noise(schedule_.levels - 1) : own, 2);
}

void LevelSteps::begin(int64_t level) {
  if (!schedule_.any() || !schedule_.step_by_level) return;
  if (fixed_ && level < schedule_.levels)
    fixed_->set_level(schedule_.step_size, square(level));
  else if (fixed_ || level == 0)
    tuning_.restart_at_level(schedule_.step_size, square(level));
  else
    tuning_.rescale_steps(square(level) / square(level - 1));
}

void LevelSteps::go_on(int64_t level) {
  if (fixed_ && level < schedule_.levels) fixed_->set_level(schedule_.step_size, square(level));
}

}  // namespace potluck
