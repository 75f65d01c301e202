// SPDX-License-Identifier: Apache-2.0
#include "core/sampling/tuning/trajectory_tuner.h"

#include <algorithm>
#include <cmath>

namespace potluck {

namespace {
constexpr double kRate = 0.1, kMemory = 0.8, kSquareMemory = 0.95;
}

double TrajectoryTuner::current() const { return std::exp(log_length_); }

void TrajectoryTuner::start(double length) {
  log_length_ = std::log(length);
  mean_ = square_ = 0;
  seen_ = 0;
}

void TrajectoryTuner::observe(double slope, double most) {
  if (std::isfinite(slope)) {
    const double seen = static_cast<double>(++seen_);
    mean_ = kMemory * mean_ + (1 - kMemory) * slope;
    square_ = kSquareMemory * square_ + (1 - kSquareMemory) * slope * slope;
    const double mean = mean_ / (1 - std::pow(kMemory, seen)), square = square_ / (1 - std::pow(kSquareMemory, seen));
    // Slopes that grow are ahead of the memory of their square.
    if (square > 0) log_length_ += kRate * std::clamp(mean / std::sqrt(square), -1.0, 1.0);
  }
  log_length_ = std::min(log_length_, std::log(most));
}

void TrajectoryTuner::average() {
  sum_ += log_length_;
  ++summed_;
}

double TrajectoryTuner::tuned() const {
  return std::exp(summed_ > 0 ? sum_ / static_cast<double>(summed_) : log_length_);
}

void TrajectoryTuner::rescale(double factor) { log_length_ += std::log(factor); }

void TrajectoryTuner::persist(StateArchive& archive) {
  archive(log_length_, mean_, square_, seen_, sum_, summed_);
  const auto some_length = [](double length) { return std::isfinite(length) && length > 0; };
  archive.demand(some_length(current()) && some_length(tuned()) && std::isfinite(mean_) && square_ >= 0 &&
                     StateArchive::counted(seen_) && StateArchive::counted(summed_) && (summed_ > 0 || sum_ == 0),
                 "values of a tuned trajectory");
}

}  // namespace potluck
