// SPDX-License-Identifier: Apache-2.0
#include "core/sampling/tuning/adaptation.h"

#include <algorithm>
#include <cmath>

#include "core/methods/method_options.h"

namespace potluck {

namespace {

constexpr int64_t kReadEvery = 5;          // steps between two readings of positions
constexpr double kMostSlope = 2;           // of a chain, in mean magnitudes
constexpr double kLeastAcceptance = 0.01;  // in a harmonic mean: no chain weighs more than 100

}  // namespace

Adaptation::Adaptation(const MethodPart& part, Chains& chains, double temperature, int64_t coordinates, int64_t steps,
                       double most, WhitenedEnergy* whitened)
    : method_(*part.method),
      variables_(part.variables),
      chains_(chains),
      tuning_(method_.tuning()),
      temperature_(temperature),
      coordinates_(coordinates),
      steps_(steps),
      most_(most),
      whitened_(whitened),
      ladder_(method_.replicas() > 1 ? method_.ladder().temperature : std::vector<double>{temperature}),
      climb_(method_.replicas(), steps, tuning_.climb_from) {
  if (steps < kLeastStepsForMetric) tuning_.metric = false;
  if (tuning_.trajectory) method_.set_trajectory_length(method_.step_size());
  // What has no step size has an average all the same, which nothing is added to.
  const double first = method_.step_size() > 0 ? method_.step_size() : 1;
  for (size_t rung = 0; rung < ladder_.temperature().size(); ++rung) {
    step_size_.emplace_back(first, most_step_size(static_cast<int64_t>(rung)));
  }
}

/// Noise of a step, which grows with the square root of the temperature, is to be bounded.
double Adaptation::most_step_size(int64_t rung) const {
  return most_ * std::pow(temperature_ / ladder_.temperature()[rung], tuning_.step_power / 2);
}

bool Adaptation::passes(int64_t step, int64_t percent) const {
  return 100 * (step + 1) >= percent * steps_ && 100 * step < percent * steps_;
}

void Adaptation::observe(int64_t step, std::vector<uint32_t>& nan_proposals) {
  chains_.take_cohort(reading_);
  const size_t cohort = reading_.frozen.size();
  nan_proposals.resize(cohort);
  sound_.assign(cohort, 1);
  size_t moving = 0, failed = 0;
  for (size_t chain = 0; chain < cohort; ++chain) {
    moving += !reading_.frozen[chain];
    const bool failing = !reading_.frozen[chain] && reading_.nan_proposals[chain] != nan_proposals[chain];
    failed += failing;
    sound_[chain] = !reading_.frozen[chain] && !failing;
  }
  if (10 * failed > moving) {
    for (size_t chain = 0; chain < cohort; ++chain) sound_[chain] = !reading_.frozen[chain];
  }
  nan_proposals = reading_.nan_proposals;
  acceptance_ = method_.proposes() ? mean_over_sound(reading_.acceptance, 0) : 1;
  tune_step_size();
  if (tuning_.metric || tuning_.trajectory) tune_metric(step);
  if (tuning_.trajectory) tune_trajectory(step);
  if (tuning_.ladder) tune_ladder(step);
}

/// In the order of the chains; NaN where none is sound.
double Adaptation::mean_over_sound(const std::vector<double>& sums, int64_t rung) const {
  double sum = 0, count = 0;
  for (auto chain = static_cast<size_t>(rung); chain < sums.size(); chain += step_size_.size()) {
    if (!sound_[chain]) continue;
    sum += sums[chain];
    ++count;
  }
  return count > 0 ? sum / count : std::nan("");
}

double Adaptation::harmonic_mean_over_sound(const std::vector<double>& acceptance, int64_t rung) const {
  double sum = 0, count = 0;
  for (auto chain = static_cast<size_t>(rung); chain < acceptance.size(); chain += step_size_.size()) {
    if (!sound_[chain]) continue;
    sum += 1 / std::max(acceptance[chain], kLeastAcceptance);
    ++count;
  }
  return count > 0 ? count / sum : std::nan("");
}

void Adaptation::tune_step_size() {
  if (!tuning_.acceptance && !tuning_.energy_error) return;
  std::vector<double> sizes;
  for (int64_t rung = 0; rung < rungs(); ++rung) {
    if (tuning_.acceptance) {
      const double seen = !method_.proposes() ? 1
                          : tuning_.harmonic  ? harmonic_mean_over_sound(reading_.acceptance, rung)
                                              : mean_over_sound(reading_.acceptance, rung);
      step_size_[rung].observe(*tuning_.acceptance - seen);
    } else {
      // The variance of the energy error grows with the sixth power of the step size (Robnik et al. 2023, section 5).
      const double variance = mean_over_sound(reading_.energy_error, rung) / static_cast<double>(coordinates_);
      step_size_[rung].observe(std::clamp(std::log(variance / *tuning_.energy_error) / 6, -1.0, 1.0));
    }
    sizes.push_back(step_size_[rung].current());
  }
  set_step_sizes(sizes);
}

void Adaptation::set_step_sizes(const std::vector<double>& of_rungs) {
  method_.set_step_size(of_rungs[0]);
  if (rungs() == 1) return;
  Ladder ladder{ladder_.temperature(), {}, climb_.found()};
  for (const double one : of_rungs) ladder.step_factor.push_back(one / of_rungs[0]);
  method_.set_ladder(ladder);
  chains_.set_ladder(ladder.temperature, ladder.step_factor);
}

void Adaptation::tune_metric(int64_t step) {
  const int64_t done = step + 1;
  if (10 * done < steps_ || (10 * done > 8 * steps_ && !tuning_.trajectory)) return;
  if (done % kReadEvery == 0) {
    read_positions();
    std::vector<uint8_t> coldest = sound_;
    for (size_t chain = 0; chain < coldest.size(); ++chain) coldest[chain] &= chain % step_size_.size() == 0;
    metric_.add(positions_, coldest);
    if (whitened_) dense_.add(positions_, coldest, whitened_->moving());
    if (tuning_.trajectory && metric_.readings() > 0) {
      centre_ = metric_.centre();
      chains_.set_centre(centre_);
    }
  }
  if (!passes(step, 25) && !passes(step, 50) && !passes(step, 80)) return;
  if (tuning_.metric && metric_.readings() >= 10) {
    // Lengths in u = x/s: the new ones begin where the old ones ended.
    const double factor = whitened_ ? whiten() : rescale();
    const double step_factor = std::pow(factor, tuning_.step_power);
    most_ *= step_factor;
    std::vector<double> sizes;
    for (DualAveraging& one : step_size_) {
      one.restart(step_factor);
      sizes.push_back(one.current());
    }
    if (tuning_.acceptance || tuning_.energy_error) set_step_sizes(sizes);
    // The first metric changes what a length means most, and short trajectories climb to the first peak of many.
    passes(step, 25) ? trajectory_.start(method_.step_size()) : trajectory_.rescale(factor);
  }
  metric_.clear();
  dense_.clear();
}

double Adaptation::rescale() {
  const double before = mean_log_scale();
  scale_ = metric_.scale(temperature_);
  chains_.set_metric(scale_);
  return std::exp(before - mean_log_scale());
}

double Adaptation::whiten() {
  const auto change = dense_.change();
  if (!change) return 1;
  const double factor = std::exp(-change_coordinates(chains_, *whitened_, *change));
  for (std::vector<double>& one : centre_) std::fill(one.begin(), one.end(), 0.0);
  if (!centre_.empty()) chains_.set_centre(centre_);
  return factor;
}

void Adaptation::read_positions() {
  chains_.read_cohort(positions_);
  if (variables_.empty()) return;
  for (size_t v = 0; v < positions_.position.size(); ++v) {
    if (std::find(variables_.begin(), variables_.end(), static_cast<int>(v)) != variables_.end()) continue;
    positions_.position[v].clear();
    positions_.gradient[v].clear();
  }
}

double Adaptation::mean_log_scale() const {
  double sum = 0, count = 0;
  for (const std::vector<double>& one : scale_) {
    for (const double s : one) sum += std::log(s);
    count += static_cast<double>(one.size());
  }
  return count > 0 ? sum / count : 0;
}

/// Of jumps that are accepted: far proposals of a step size that is only tried tell little. Fourth powers of distances
/// have long tails, so no chain counts for more than twice the mean magnitude.
double Adaptation::mean_slope() const {
  std::vector<double> slopes;
  double magnitude = 0, sum = 0;
  for (size_t chain = 0; chain < sound_.size(); chain += step_size_.size()) {
    if (!sound_[chain]) continue;
    slopes.push_back(reading_.trajectory_slope[chain]);
    magnitude += std::fabs(slopes.back());
  }
  const double most = kMostSlope * magnitude / static_cast<double>(slopes.size());
  for (const double one : slopes) sum += std::clamp(one, -most, most);
  return sum / static_cast<double>(slopes.size());
}

void Adaptation::tune_trajectory(int64_t step) {
  const int64_t done = step + 1;
  const double h = method_.step_size();
  if (10 * done < steps_) {  // one leapfrog while the step size is sought
    trajectory_.start(h);
    method_.set_trajectory_length(h);
    return;
  }
  if (10 * done <= 9 * steps_) {
    trajectory_.observe(mean_slope(), static_cast<double>(kMostLeapfrogs) * h);
    if (10 * done > 7 * steps_) trajectory_.average();
  }
  // What was learned stays: a step size that is only tried, and short, would pull it down for good.
  set_trajectory_length(trajectory_.current());
}

void Adaptation::set_trajectory_length(double length) {
  method_.set_trajectory_length(std::min(length, longest_trajectory(method_.step_size(), tuning_.max_leapfrogs)));
}

double Adaptation::climb(int64_t step) {
  if (!climb_.watches(step)) return 1;
  const bool reads = climb_.reads(step);
  if (reads) read_positions();
  return climb_.observe(step, reading_, reads ? &positions_ : nullptr, ladder_);
}

/// A step size is near the same function of temperature in the new ladder as in the old one.
void Adaptation::tune_ladder(int64_t step) {
  const size_t replicas = step_size_.size();
  for (size_t chain = 0; chain < reading_.swap_attempts.size(); ++chain) {
    if (chain % replicas == replicas - 1) continue;
    ladder_.observe(chain % replicas, reading_.swap_attempts[chain], reading_.swap_acceptance[chain]);
  }
  const double raise = climb(step);
  if (!passes(step, 10) && !passes(step, 20) && !passes(step, 40) && !passes(step, 80) && raise == 1) return;
  const std::vector<double> before = ladder_.temperature();
  if (!ladder_.respace(raise)) return;
  const bool stepping = tuning_.acceptance.has_value();
  std::vector<double> log_size, sizes;
  for (const DualAveraging& one : step_size_) log_size.push_back(std::log(one.tuned()));
  for (size_t rung = 0; rung < replicas; ++rung) {
    const double size = std::exp(on_line(before, log_size, ladder_.temperature()[rung]));
    if (stepping) step_size_[rung] = DualAveraging(size, most_step_size(static_cast<int64_t>(rung)));
    sizes.push_back(stepping ? size : method_.step_size());
  }
  set_step_sizes(sizes);
}

template <class Change>
void Adaptation::change_step_sizes(const Change& change) {
  if (!tuning_.acceptance && !tuning_.energy_error) return;
  std::vector<double> sizes;
  for (DualAveraging& one : step_size_) {
    change(one);
    sizes.push_back(one.current());
  }
  set_step_sizes(sizes);
}

void Adaptation::restart() {
  change_step_sizes([](DualAveraging& one) { one.restart(1); });
}

void Adaptation::restart_from(double step_size, std::vector<uint32_t>& nan_proposals) {
  chains_.take_cohort(reading_);
  nan_proposals = reading_.nan_proposals;
  change_step_sizes([&](DualAveraging& one) { one = DualAveraging(step_size, most_); });
}

void Adaptation::rescale_steps(double factor) {
  change_step_sizes([factor](DualAveraging& one) { one.rescale(factor); });
}

void Adaptation::finish() {
  if (tuning_.acceptance || tuning_.energy_error) {
    std::vector<double> sizes;
    for (const DualAveraging& one : step_size_) sizes.push_back(one.tuned());
    set_step_sizes(sizes);
  }
  if (tuning_.trajectory) set_trajectory_length(trajectory_.tuned());
  if (!tuning_.ladder) return;
  Ladder ladder = method_.ladder();
  ladder.hottest = climb_.found();
  method_.set_ladder(ladder);
}

void Adaptation::persist(StateArchive& archive, const std::vector<Variable>& variables) {
  archive(most_, ladder_, climb_, metric_, dense_, trajectory_, scale_, centre_, acceptance_);
  for (DualAveraging& one : step_size_) archive(one);
  if (archive.reading()) {
    size_t moving = 0;
    if (whitened_)
      for (const std::vector<int64_t>& one : whitened_->moving()) moving += one.size();
    archive.demand(most_ > 0, "step sizes");
    archive.demand(scales(variables, scale_) && fits(variables, centre_) && fits(variables, metric_.centre()) &&
                       dense_.fits(moving),
                   "lengths of a metric");
    if (!scale_.empty()) chains_.set_metric(scale_);
    if (!centre_.empty()) chains_.set_centre(centre_);
  }
}

}  // namespace potluck
