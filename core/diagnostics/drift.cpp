// SPDX-License-Identifier: Apache-2.0
#include "core/diagnostics/drift.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <numeric>
#include <vector>

#include "core/diagnostics/normal_score.h"

namespace potluck {

namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr int kTenths = 5;  // of the first half

double mean_of(std::span<const double> values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

class Comparison {
 public:
  Comparison(const ChainValues& draws, std::span<const int64_t> group)
      : draws_(draws), half_(draws.draws / 2), tenth_(draws.draws / 10) {
    std::map<int64_t, size_t> place;
    for (int64_t chain = 0; chain < draws.chains; ++chain) {
      const int64_t name = group.empty() ? chain : group[static_cast<size_t>(chain)];
      const size_t at = place.emplace(name, place.size()).first->second;
      group_.push_back(at);
      size_.resize(place.size());
      ++size_[at];
      last_.push_back(mean_of(part(chain, draws.draws - half_, half_)));
    }
  }

  int64_t groups() const { return static_cast<int64_t>(size_.size()); }
  double last() const { return mean_of(last_); }

  /// A tenth against the last half.
  Drift of(int tenth) {
    std::vector<double> apart(size_.size());
    double sum = 0;
    for (int64_t chain = 0; chain < draws_.chains; ++chain) {
      const auto at = static_cast<size_t>(chain);
      const double own = mean_of(part(chain, tenth * tenth_, tenth_));
      sum += own;
      apart[group_[at]] += (own - last_[at]) / static_cast<double>(size_[group_[at]]);
    }
    Drift found;
    found.last = last();
    found.first = sum / static_cast<double>(draws_.chains);
    found.score = kNan;
    if (groups() >= kEnoughChainsForDrift) {
      by_chains(apart, found);
      if (!(std::abs(found.score) > kDriftedScore)) return found;
    }
    by_draws(found);
    return found;
  }

 private:
  std::span<const double> part(int64_t chain, int64_t first, int64_t count) const {
    return draws_.values.subspan(static_cast<size_t>(chain * draws_.draws + first), static_cast<size_t>(count));
  }

  void by_chains(const std::vector<double>& apart, Drift& found) const {
    const double mean = mean_of(apart), count = static_cast<double>(groups());
    double squares = 0;
    for (const double one : apart) squares += (one - mean) * (one - mean);
    found.standard_error = std::sqrt(squares / (count - 1) / count);
    const double t = mean / found.standard_error;
    found.score = std::isfinite(t) ? normal_score(t, count - 1) : kNan;
  }

  /// The lesser of the two where both are known.
  void by_draws(Drift& found) {
    if (!(variance_ >= 0)) measure_last_half();
    // Chains of one group may still be where they began together in the tenth, and are apart in the last half.
    const double tenth = static_cast<double>(draws_.draws) / 10;
    const double first = 1 / (tenth * static_cast<double>(groups()));
    const double last = 1 / (5 * tenth * static_cast<double>(draws_.chains));
    const double error = std::sqrt(variance_ * correlation_ * (first + last));
    const double score = (found.first - found.last) / error;
    if (!known_ || !std::isfinite(score)) {
      found.score = kNan;
    } else if (std::isnan(found.score) || std::abs(score) < std::abs(found.score)) {
      found.score = score;
      found.standard_error = error;
    }
  }

  void measure_last_half() {
    std::vector<double> values;
    for (int64_t chain = 0; chain < draws_.chains; ++chain) {
      const auto own = part(chain, draws_.draws - half_, half_);
      values.insert(values.end(), own.begin(), own.end());
    }
    const ChainValues half{values, draws_.chains, half_};
    const double mean = mean_of(values);
    variance_ = 0;
    for (const double value : values) variance_ += (value - mean) * (value - mean);
    variance_ /= static_cast<double>(values.size() - 1);
    const double effective = ess_mean(half);
    correlation_ = static_cast<double>(values.size()) / effective;
    known_ = effective * static_cast<double>(groups()) / static_cast<double>(draws_.chains) >= kLeastEffectiveForDrift;
  }

  const ChainValues& draws_;
  int64_t half_, tenth_;
  std::vector<size_t> group_;  ///< [chains]
  std::vector<int64_t> size_;  ///< [groups]
  std::vector<double> last_;   ///< [chains]
  double variance_ = kNan, correlation_ = kNan;
  bool known_ = false;  ///< these two
};

}  // namespace

Drift drift_of(const ChainValues& draws, std::span<const int64_t> group) {
  Drift unknown;
  unknown.first = unknown.last = unknown.standard_error = unknown.score = kNan;
  const bool finite = std::all_of(draws.values.begin(), draws.values.end(), [](double v) { return std::isfinite(v); });
  if (!finite || draws.chains < 1 || draws.draws < kLeastDrawsForDrift) return unknown;
  Comparison comparison(draws, group);
  Drift found = comparison.of(0);
  if (!(std::abs(found.score) > kDriftedScore)) return found;
  found.tenths = 1;
  while (found.tenths < kTenths && std::abs(comparison.of(found.tenths).score) > kDriftedScore) ++found.tenths;
  return found;
}

}  // namespace potluck
