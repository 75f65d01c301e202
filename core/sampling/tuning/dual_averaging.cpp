// SPDX-License-Identifier: Apache-2.0
#include "core/sampling/tuning/dual_averaging.h"

#include <algorithm>
#include <cmath>

namespace potluck {

namespace {
constexpr double kMostLog = 700;                                 // of a size that is a number
constexpr double kShrinkage = 0.05, kDelay = 10, kDecay = 0.75;  // gamma, t0 and kappa of Hoffman & Gelman
}  // namespace

DualAveraging::DualAveraging(double first, double most)
    : log_most_(std::log(most)),
      log_first_(std::min(std::log(first), log_most_)),
      log_step_(log_first_),
      log_average_(log_first_) {}

double DualAveraging::current() const { return std::exp(log_step_); }

void DualAveraging::observe(double error) {
  if (!std::isfinite(error)) return;
  ++seen_;
  const double t = static_cast<double>(seen_);
  error_ += (error - error_) / (t + kDelay);
  // Attracted to 10 times the first step size: long steps are cheap to try.
  log_step_ = std::min(log_first_ + std::log(10.0) - std::sqrt(t) / kShrinkage * error_, log_most_);
  log_average_ += std::pow(t, -kDecay) * (log_step_ - log_average_);
}

double DualAveraging::tuned() const { return std::exp(log_average_); }

void DualAveraging::rescale(double factor) {
  for (double* one : {&log_first_, &log_step_, &log_average_}) *one = std::min(*one + std::log(factor), log_most_);
}

void DualAveraging::restart(double factor) {
  log_most_ += std::log(factor);
  log_first_ = log_step_ = log_average_ = std::min(log_average_ + std::log(factor), log_most_);
  error_ = 0;
  seen_ = 0;
}

void DualAveraging::persist(StateArchive& archive) {
  archive(log_most_, log_first_, log_step_, log_average_, error_, seen_);
  const auto some_size = [](double log_size) { return std::fabs(log_size) < kMostLog; };
  archive.demand(log_most_ >= log_first_ && some_size(log_first_) && some_size(log_step_) && some_size(log_average_) &&
                     std::isfinite(error_) && StateArchive::counted(seen_),
                 "values of a tuned step size");
}

}  // namespace potluck
