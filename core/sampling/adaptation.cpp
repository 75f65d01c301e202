// SPDX-License-Identifier: Apache-2.0
#include "core/sampling/adaptation.h"

#include <algorithm>
#include <cmath>

namespace potluck {

namespace {

constexpr int64_t kReadEvery = 5;             // steps between two readings of positions
constexpr int64_t kLeastStepsForMetric = 60;  // a shorter warm-up leaves the metric alone
constexpr double kMostLeapfrogs = 1000;

}  // namespace

Adaptation::Adaptation(Method& method, Chains& chains, double temperature, int64_t coordinates, int64_t steps,
                       double most)
    : method_(method),
      chains_(chains),
      tuning_(method.tuning()),
      temperature_(temperature),
      coordinates_(coordinates),
      steps_(steps),
      step_size_(method.step_size(), most) {
  if (steps < kLeastStepsForMetric) tuning_.metric = false;
  if (tuning_.trajectory) method_.set_trajectory_length(method_.step_size());
}

void Adaptation::observe(int64_t step) {
  chains_.take_cohort(reading_);
  const size_t cohort = reading_.frozen.size();
  nan_proposals_.resize(cohort);
  sound_.assign(cohort, 1);
  size_t moving = 0, failed = 0;
  for (size_t chain = 0; chain < cohort; ++chain) {
    moving += !reading_.frozen[chain];
    const bool failing = !reading_.frozen[chain] && reading_.nan_proposals[chain] != nan_proposals_[chain];
    failed += failing;
    sound_[chain] = !reading_.frozen[chain] && !failing;
  }
  if (10 * failed > moving) {
    for (size_t chain = 0; chain < cohort; ++chain) sound_[chain] = !reading_.frozen[chain];
  }
  nan_proposals_ = reading_.nan_proposals;
  acceptance_ = method_.proposes() ? mean_over_sound(reading_.acceptance) : 1;
  tune_step_size();
  if (tuning_.metric || tuning_.trajectory) tune_metric(step);
  if (tuning_.trajectory) tune_trajectory(step);
}

/// In the order of the chains; NaN where none is sound.
double Adaptation::mean_over_sound(const std::vector<double>& sums) const {
  double sum = 0, count = 0;
  for (size_t chain = 0; chain < sums.size(); ++chain) {
    if (!sound_[chain]) continue;
    sum += sums[chain];
    ++count;
  }
  return count > 0 ? sum / count : std::nan("");
}

void Adaptation::tune_step_size() {
  if (tuning_.acceptance) {
    step_size_.observe(*tuning_.acceptance - acceptance_);
  } else if (tuning_.energy_error) {
    // The variance of the energy error grows with the sixth power of the step size (Robnik et al. 2023, section 5).
    const double variance = mean_over_sound(reading_.energy_error) / static_cast<double>(coordinates_);
    step_size_.observe(std::clamp(std::log(variance / *tuning_.energy_error) / 6, -1.0, 1.0));
  } else {
    return;
  }
  method_.set_step_size(step_size_.current());
}

void Adaptation::tune_metric(int64_t step) {
  const int64_t done = step + 1;
  if (10 * done < steps_ || (10 * done > 8 * steps_ && !tuning_.trajectory)) return;
  if (done % kReadEvery == 0) {
    chains_.read_cohort(positions_);
    metric_.add(positions_, sound_);
    if (tuning_.trajectory && metric_.readings() > 0) {
      centre_ = metric_.centre();
      chains_.set_centre(centre_);
    }
  }
  const auto passes = [&](int64_t percent) { return 100 * done >= percent * steps_ && 100 * step < percent * steps_; };
  if (!passes(25) && !passes(50) && !passes(80)) return;
  if (tuning_.metric && metric_.readings() >= 10) {
    const double before = mean_log_scale();
    scale_ = metric_.scale(temperature_);
    chains_.set_metric(scale_);
    // Lengths in u = x/s: the new ones begin where the old ones ended.
    const double factor = std::exp(before - mean_log_scale());
    step_size_.restart(std::pow(factor, tuning_.step_power));
    if (tuning_.acceptance || tuning_.energy_error) method_.set_step_size(step_size_.current());
    trajectory_.rescale(factor);
  }
  metric_.clear();
}

double Adaptation::mean_log_scale() const {
  double sum = 0, count = 0;
  for (const std::vector<double>& one : scale_) {
    for (const double s : one) sum += std::log(s);
    count += static_cast<double>(one.size());
  }
  return count > 0 ? sum / count : 0;
}

void Adaptation::tune_trajectory(int64_t step) {
  const int64_t done = step + 1;
  const double h = method_.step_size();
  if (10 * done < steps_) {  // one leapfrog while the step size is sought
    trajectory_.start(h);
    method_.set_trajectory_length(h);
    return;
  }
  if (10 * done > 9 * steps_) return;
  double slope = 0, weight = 0;
  for (size_t chain = 0; chain < sound_.size(); ++chain) {
    if (!sound_[chain]) continue;
    slope += reading_.trajectory_slope[chain];
    weight += reading_.acceptance[chain];
  }
  trajectory_.observe(method_.jitter(static_cast<uint32_t>(step)) * slope / weight, h, kMostLeapfrogs * h);
  if (10 * done > 7 * steps_) trajectory_.average();
  method_.set_trajectory_length(trajectory_.current());
}

void Adaptation::finish() {
  if (tuning_.acceptance || tuning_.energy_error) method_.set_step_size(step_size_.tuned());
  if (tuning_.trajectory) method_.set_trajectory_length(trajectory_.tuned());
}

void Adaptation::persist(StateArchive& archive) {
  archive(step_size_, metric_, trajectory_, scale_, centre_, nan_proposals_, acceptance_);
  if (archive.reading()) {
    if (!scale_.empty()) chains_.set_metric(scale_);
    if (!centre_.empty()) chains_.set_centre(centre_);
  }
}

}  // namespace potluck
