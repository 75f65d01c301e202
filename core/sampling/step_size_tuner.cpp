// SPDX-License-Identifier: Apache-2.0
#include "core/sampling/step_size_tuner.h"

#include <algorithm>
#include <cmath>

namespace potluck {

StepSizeTuner::StepSizeTuner(double first, double wanted_acceptance, int64_t steps, double most)
    : wanted_(wanted_acceptance),
      steps_(steps),
      log_most_(std::log(most)),
      log_step_(std::min(std::log(first), log_most_)) {}

double StepSizeTuner::current() const { return std::exp(log_step_); }

void StepSizeTuner::observe(double mean_acceptance) {
  // A first step size that is wrong by orders of magnitude is left by factors of up to exp(3 x 0.574) a step.
  const double gain = 3 / std::pow(1 + static_cast<double>(seen_) / 10, 0.75);
  if (std::isfinite(mean_acceptance)) log_step_ = std::min(log_step_ + gain * (mean_acceptance - wanted_), log_most_);
  ++seen_;
  if (2 * seen_ > steps_) {
    sum_ += log_step_;
    ++summed_;
  }
}

double StepSizeTuner::tuned() const { return std::exp(summed_ > 0 ? sum_ / static_cast<double>(summed_) : log_step_); }

}  // namespace potluck
