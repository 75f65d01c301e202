// SPDX-License-Identifier: Apache-2.0
#include "core/diagnostics/virial.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "core/diagnostics/moments.h"
#include "core/diagnostics/normal_score.h"
#include "core/error.h"

namespace potluck {

double VirialEstimate::z(double expected) const {
  if (chains < 2 || !std::isfinite(temperature)) return std::numeric_limits<double>::quiet_NaN();
  const double t = (temperature - expected) / standard_error;
  return std::isfinite(t) ? normal_score(t, static_cast<double>(chains - 1)) : t;
}

Virial::Virial(int64_t chains, std::vector<double> centre, std::vector<uint8_t> counts)
    : centre_(std::move(centre)),
      counts_(std::move(counts)),
      coordinates_(std::count_if(counts_.begin(), counts_.end(), [](uint8_t count) { return count != 0; })),
      draws_(static_cast<size_t>(chains)),
      virial_(static_cast<size_t>(chains)),
      squares_(static_cast<size_t>(chains)) {
  if (centre_.size() != counts_.size()) {
    throw SettingError(
        fmt::format("Virial: centre and counts must be of one length, got {} and {}", centre_.size(), counts_.size()));
  }
}

/// Chains side by side: the sums of each wait for one another, those of several do not.
template <int kRows, typename Number>
void Virial::add_rows(int64_t first, const uint8_t* left_out, const Number* x, const Number* gradient) {
  const size_t n = centre_.size();
  double virial[kRows] = {}, squares[kRows] = {};
  for (size_t i = 0; i < n; ++i) {
    if (counts_[i] == 0) continue;
    for (int row = 0; row < kRows; ++row) {
      const double slope = static_cast<double>(gradient[row * n + i]);
      virial[row] += (static_cast<double>(x[row * n + i]) - centre_[i]) * slope;
      squares[row] += slope * slope;
    }
  }
  for (int row = 0; row < kRows; ++row) {
    if (left_out && left_out[row] != 0) continue;
    const auto at = static_cast<size_t>(first + row);
    ++draws_[at];
    virial_[at] += virial[row];
    squares_[at] += squares[row];
  }
}

template <typename Number>
void Virial::add_each(const uint8_t* left_out, const Number* x, const Number* gradient) {
  constexpr int kTogether = 4;
  const auto n = static_cast<int64_t>(centre_.size());
  int64_t chain = 0;
  for (; chain + kTogether <= chains(); chain += kTogether) {
    add_rows<kTogether>(chain, left_out + chain, x + chain * n, gradient + chain * n);
  }
  for (; chain < chains(); ++chain) add_rows<1>(chain, left_out + chain, x + chain * n, gradient + chain * n);
}

void Virial::add(int64_t chain, const double* x, const double* gradient) { add_rows<1>(chain, nullptr, x, gradient); }
void Virial::add(int64_t chain, const float* x, const float* gradient) { add_rows<1>(chain, nullptr, x, gradient); }

void Virial::add_all(const uint8_t* left_out, const double* x, const double* gradient) {
  add_each(left_out, x, gradient);
}
void Virial::add_all(const uint8_t* left_out, const float* x, const float* gradient) {
  add_each(left_out, x, gradient);
}

void Virial::check_same_kind(const Virial& other) const {
  if (centre_ == other.centre_ && counts_ == other.counts_) return;
  throw SettingError("Virial: what is merged must have the same centre and coordinates, got others");
}

void Virial::merge(const Virial& other) {
  check_same_kind(other);
  if (chains() != other.chains()) {
    throw SettingError(
        fmt::format("Virial: what is merged must be of the same {} chains, got {}", chains(), other.chains()));
  }
  for (size_t chain = 0; chain < draws_.size(); ++chain) {
    draws_[chain] += other.draws_[chain];
    virial_[chain] += other.virial_[chain];
    squares_[chain] += other.squares_[chain];
  }
}

void Virial::append(const Virial& others) {
  check_same_kind(others);
  draws_.insert(draws_.end(), others.draws_.begin(), others.draws_.end());
  virial_.insert(virial_.end(), others.virial_.begin(), others.virial_.end());
  squares_.insert(squares_.end(), others.squares_.begin(), others.squares_.end());
}

VirialEstimate Virial::estimate(double step_size) const {
  Moments chains(1);
  for (size_t chain = 0; chain < draws_.size() && coordinates_ > 0; ++chain) {
    if (draws_[chain] == 0) continue;
    const double numbers = static_cast<double>(draws_[chain]) * static_cast<double>(coordinates_);
    const double own = (virial_[chain] - 0.5 * step_size * squares_[chain]) / numbers;
    if (std::isfinite(own)) chains.add(&own);
  }
  return {chains.mean(0), chains.sd(0) / std::sqrt(static_cast<double>(chains.count())), chains.count()};
}

std::string virial_verdict(const VirialEstimate& found, double temperature) {
  if (!(std::abs(found.z(temperature)) >= kVirialBound)) return "";
  // The first digit of the standard error, and as many decimals of the temperature.
  const double size = found.standard_error > 0 ? found.standard_error : 1e-6 * std::abs(found.temperature);
  const int decimals = std::clamp(static_cast<int>(std::floor(-std::log10(size))) + 1, 0, 15);
  return fmt::format("the draws behave as at T = {:.{}f} +- {:.{}f}, but the run is at T = {:g}", found.temperature,
                     decimals, found.standard_error, decimals, temperature);
}

}  // namespace potluck
