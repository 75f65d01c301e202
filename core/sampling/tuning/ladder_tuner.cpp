// SPDX-License-Identifier: Apache-2.0
#include "core/sampling/tuning/ladder_tuner.h"

#include <algorithm>
#include <cmath>

#include "core/methods/ladder.h"

namespace potluck {

namespace {
constexpr int64_t kLeastAttempts = 20;     // of a pair, before a rate means anything
constexpr double kLeastRejection = 0.001;  // a pair that always swaps still has a place between its neighbours

bool positive(double value) { return value > 0 && std::isfinite(value); }

/// From above 0 on.
bool ascending(const std::vector<double>& temperature) {
  double below = 0;
  for (const double one : temperature) {
    if (!positive(one) || one <= below) return false;
    below = one;
  }
  return true;
}
}  // namespace

void Ladder::persist(StateArchive& archive) {
  const size_t replicas = temperature.size();
  archive(temperature, step_factor, hottest);
  archive.demand(temperature.size() == replicas && ascending(temperature), "temperatures of a ladder");
  archive.demand(step_factor.size() == replicas && std::all_of(step_factor.begin(), step_factor.end(), positive),
                 "step sizes of a ladder");
  archive.demand(hottest <= Hottest::kStillStays, "findings of a ladder");
}

Ladder geometric_ladder(double coldest, double hottest, int64_t replicas) {
  Ladder ladder;
  for (int64_t r = 0; r < replicas; ++r) {
    const double share = static_cast<double>(r) / static_cast<double>(replicas - 1);
    ladder.temperature.push_back(r == 0 ? coldest : coldest * std::pow(hottest / coldest, share));
    ladder.step_factor.push_back(1);
  }
  return ladder;
}

double on_line(const std::vector<double>& x, const std::vector<double>& y, double at) {
  if (at <= x.front()) return y.front();
  if (at >= x.back()) return y.back();
  // Between the first and the last, for a NaN too.
  const auto right = static_cast<size_t>(std::upper_bound(x.begin() + 1, x.end() - 1, at) - x.begin());
  const double share = (at - x[right - 1]) / (x[right] - x[right - 1]);
  return y[right - 1] + share * (y[right] - y[right - 1]);
}

void LadderTuner::clear() {
  attempts_.assign(temperature_.size() - 1, 0);
  acceptance_.assign(temperature_.size() - 1, 0);
}

void LadderTuner::observe(size_t pair, uint32_t attempts, double acceptance) {
  if (!std::isfinite(acceptance)) return;  // of energies that are no numbers: it tells nothing
  attempts_[pair] += attempts;
  acceptance_[pair] += acceptance;
}

double LadderTuner::rejection(size_t pair) const {
  return std::max(1 - acceptance_[pair] / static_cast<double>(attempts_[pair]), kLeastRejection);
}

double LadderTuner::last_slope() const {
  const size_t last = temperature_.size() - 1;
  return rejection(last - 1) / std::log(temperature_[last] / temperature_[last - 1]);
}

bool LadderTuner::known() const { return *std::min_element(attempts_.begin(), attempts_.end()) >= kLeastAttempts; }

double LadderTuner::barrier_with(double factor) const {
  double barrier = 0;
  for (size_t pair = 0; pair < attempts_.size(); ++pair) barrier += rejection(pair);
  return barrier + last_slope() * std::log(factor);
}

bool LadderTuner::respace(double raise) {
  if (!known()) return false;
  std::vector<double> barrier = {0}, log_temperature;
  for (const double one : temperature_) log_temperature.push_back(std::log(one));
  for (size_t pair = 0; pair < attempts_.size(); ++pair) barrier.push_back(barrier.back() + rejection(pair));
  if (raise > 1) {
    barrier.push_back(barrier.back() + last_slope() * std::log(raise));
    log_temperature.push_back(log_temperature.back() + std::log(raise));
    temperature_.back() *= raise;
  }
  const double pairs = static_cast<double>(attempts_.size());
  for (size_t k = 1; k + 1 < temperature_.size(); ++k) {
    temperature_[k] = std::exp(on_line(barrier, log_temperature, static_cast<double>(k) / pairs * barrier.back()));
  }
  clear();
  return true;
}

void LadderTuner::persist(StateArchive& archive) {
  archive(temperature_, attempts_, acceptance_);
  const auto sums = [](double acceptance) { return acceptance >= 0 && std::isfinite(acceptance); };
  archive.demand((temperature_.size() < 2 || ascending(temperature_)) && attempts_.size() + 1 == temperature_.size() &&
                     acceptance_.size() == attempts_.size() &&
                     std::all_of(attempts_.begin(), attempts_.end(), StateArchive::counted) &&
                     std::all_of(acceptance_.begin(), acceptance_.end(), sums),
                 "rates of a ladder");
}

}  // namespace potluck
