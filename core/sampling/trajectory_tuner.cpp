// SPDX-License-Identifier: Apache-2.0
#include "core/sampling/trajectory_tuner.h"

#include <algorithm>
#include <cmath>

namespace potluck {

namespace {
constexpr double kRate = 0.05, kMemory = 0.95;
}

double TrajectoryTuner::current() const { return std::exp(log_length_); }

void TrajectoryTuner::start(double length) { log_length_ = std::log(length); }

void TrajectoryTuner::observe(double slope, double least, double most) {
  if (std::isfinite(slope)) {
    ++seen_;
    square_ = kMemory * square_ + (1 - kMemory) * slope * slope;
    const double unbiased = square_ / (1 - std::pow(kMemory, static_cast<double>(seen_)));
    if (unbiased > 0) log_length_ += kRate * slope / std::sqrt(unbiased);
  }
  log_length_ = std::clamp(log_length_, std::log(least), std::log(most));
}

void TrajectoryTuner::average() {
  sum_ += log_length_;
  ++summed_;
}

double TrajectoryTuner::tuned() const {
  return std::exp(summed_ > 0 ? sum_ / static_cast<double>(summed_) : log_length_);
}

void TrajectoryTuner::rescale(double factor) { log_length_ += std::log(factor); }

}  // namespace potluck
