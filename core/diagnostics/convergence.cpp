// SPDX-License-Identifier: Apache-2.0
#include "core/diagnostics/convergence.h"

#include <algorithm>
#include <boost/math/special_functions/erf.hpp>
#include <cmath>
#include <limits>
#include <numeric>
#include <utility>

#include "core/diagnostics/autocovariance.h"

namespace potluck {

namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

using Values = std::vector<double>;

double mean_of(std::span<const double> values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

/// Sum of squared deviations / (count - 1).
double variance_of(std::span<const double> values) {
  const double mean = mean_of(values);
  double sum = 0;
  for (const double value : values) sum += (value - mean) * (value - mean);
  return sum / static_cast<double>(values.size() - 1);
}

bool all_equal(std::span<const double> values) {
  const auto [least, most] = std::minmax_element(values.begin(), values.end());
  return *least == *most;
}

bool usable(const ChainValues& draws) {
  return draws.chains >= 1 && draws.draws >= 4 &&
         std::all_of(draws.values.begin(), draws.values.end(), [](double v) { return std::isfinite(v); });
}

/// Enough draws a chain for autocorrelations to say something.
bool correlated(const ChainValues& draws) { return usable(draws) && draws.draws >= kLeastDrawsForEss; }

/// [2 chains, draws / 2]: the halves of every chain; the middle draw of an odd number is left out.
Values halves(std::span<const double> values, int64_t chains, int64_t draws) {
  const int64_t half = draws / 2;
  Values split;
  split.reserve(static_cast<size_t>(2 * chains * half));
  for (int64_t chain = 0; chain < chains; ++chain) {
    const auto begin = values.begin() + chain * draws;
    split.insert(split.end(), begin, begin + half);
    split.insert(split.end(), begin + draws - half, begin + draws);
  }
  return split;
}

/// Quantile function of the standard normal.
double normal_quantile(double p) {
  using namespace boost::math::policies;
  return -std::sqrt(2.0) * boost::math::erfc_inv(2 * p, policy<promote_double<false>>());
}

/// Normal scores of the ranks, (rank - 3/8) / (count + 1/4) before the quantile function; ties share their mean rank.
Values normal_scores(const Values& values) {
  std::vector<std::pair<double, size_t>> order(values.size());
  for (size_t i = 0; i < values.size(); ++i) order[i] = {values[i], i};
  std::sort(order.begin(), order.end());
  Values scores(values.size());
  for (size_t first = 0; first < order.size();) {
    size_t end = first + 1;
    while (end < order.size() && order[end].first == order[first].first) ++end;
    const double rank = 0.5 * static_cast<double>(first + 1 + end);
    const double score = normal_quantile((rank - 0.375) / (static_cast<double>(values.size()) + 0.25));
    for (size_t i = first; i < end; ++i) scores[order[i].second] = score;
    first = end;
  }
  return scores;
}

double median_of(Values values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  if (values.size() % 2 == 1) return *middle;
  return 0.5 * (*middle + *std::max_element(values.begin(), middle));
}

/// |x - median|
Values folded(Values values) {
  const double median = median_of(values);
  for (double& value : values) value = std::abs(value - median);
  return values;
}

/// Quantile of type 7 (linear between order statistics) of sorted values.
double sorted_quantile(const Values& sorted, double p) {
  const auto count = static_cast<double>(sorted.size());
  const double place = count * p + (1 - p);  // counted from 1
  const double below = std::floor(std::clamp(place, 1.0, count - 1));
  const double share = std::clamp(place - below, 0.0, 1.0);
  const auto at = static_cast<size_t>(below);
  return (1 - share) * sorted[at - 1] + share * sorted[at];
}

/// sqrt((B/W + n - 1) / n), B between and W within chains of n draws.
double plain_rhat(const Values& values, int64_t chains) {
  const size_t n = values.size() / static_cast<size_t>(chains);
  Values means, variances;
  for (size_t chain = 0; chain < static_cast<size_t>(chains); ++chain) {
    const auto own = std::span(values).subspan(chain * n, n);
    means.push_back(mean_of(own));
    variances.push_back(variance_of(own));
  }
  const auto draws = static_cast<double>(n);
  const double between = draws * variance_of(means), within = mean_of(variances);
  return std::sqrt((between / within + draws - 1) / draws);
}

/// chains * n / tau, where tau sums the autocorrelations by Geyer's initial monotone sequence of pairs.
/// rho(t) = 1 - (W - mean autocovariance(t)) / var+.
double plain_ess(const Values& values, int64_t chains, Autocovariance& autocovariance) {
  const auto count = static_cast<double>(values.size());
  if (all_equal(values)) return count;
  const auto n = static_cast<int64_t>(values.size()) / chains;
  const std::span<const double> covariance = autocovariance.mean_over_chains(values, chains);
  Values means;
  for (int64_t chain = 0; chain < chains; ++chain) {
    means.push_back(mean_of(std::span(values).subspan(static_cast<size_t>(chain * n), static_cast<size_t>(n))));
  }
  const double within = covariance[0] * static_cast<double>(n) / static_cast<double>(n - 1);
  const double total = covariance[0] + (chains > 1 ? variance_of(means) : 0.0);
  const auto rho = [&](int64_t t) { return 1 - (within - covariance[static_cast<size_t>(t)]) / total; };

  const double tau = std::max(initial_monotone_sum(rho, n - 2).value, 1 / std::log10(count));
  return count / tau;
}

/// The quantities of one number, which share what is costly.
class Diagnosis {
 public:
  explicit Diagnosis(const ChainValues& draws)
      : draws_(draws),
        usable_(usable(draws)),
        correlated_(correlated(draws)),
        constant_(usable_ && all_equal(draws.values)) {
    if (usable_) split_ = halves(draws.values, draws.chains, draws.draws);
  }

  double rhat() {
    if (!usable_) return kNan;
    // Where all |x - median| are equal the folded one is not a number, and the comparison leaves the bulk's.
    return std::max(plain_rhat(scores(), chains()), plain_rhat(normal_scores(folded(split_)), chains()));
  }

  double ess_bulk() {
    if (!correlated_ || constant_) return correlated_ ? 0 : kNan;
    return plain_ess(scores(), chains(), autocovariance_);
  }

  double ess_tail() {
    if (!correlated_ || constant_) return correlated_ ? 0 : kNan;
    Values sorted(draws_.values.begin(), draws_.values.end());
    std::sort(sorted.begin(), sorted.end());
    double least = std::numeric_limits<double>::infinity();
    for (const double p : {0.05, 0.95}) {
      const double quantile = sorted_quantile(sorted, p);
      Values indicator(split_.size());
      for (size_t i = 0; i < split_.size(); ++i) indicator[i] = split_[i] <= quantile ? 1 : 0;
      least = std::min(least, plain_ess(indicator, chains(), autocovariance_));
    }
    return least;
  }

  double ess_mean() {
    if (!correlated_ || constant_) return correlated_ ? 0 : kNan;
    return plain_ess(split_, chains(), autocovariance_);
  }

  double mcse_mean() {
    if (!correlated_ || constant_) return kNan;
    return std::sqrt(variance_of(draws_.values) / ess_mean());
  }

  /// Delta method on the variance: sd(s^2) / (2 s), with the effective sample size of (x - mean)^2.
  double mcse_sd() {
    if (!correlated_ || constant_) return kNan;
    const double mean = mean_of(draws_.values);
    Values squares(draws_.values.begin(), draws_.values.end());
    for (double& value : squares) value = (value - mean) * (value - mean);
    const double ess = plain_ess(halves(squares, draws_.chains, draws_.draws), chains(), autocovariance_);
    const double variance = mean_of(squares);
    for (double& value : squares) value *= value;
    return std::sqrt((mean_of(squares) - variance * variance) / ess / variance / 4);
  }

 private:
  int64_t chains() const { return 2 * draws_.chains; }
  const Values& scores() {
    if (scores_.empty()) scores_ = normal_scores(split_);
    return scores_;
  }

  const ChainValues& draws_;
  bool usable_;
  bool correlated_;
  bool constant_;
  Values split_;
  Values scores_;
  Autocovariance autocovariance_;
};

}  // namespace

double rhat(const ChainValues& draws) { return Diagnosis(draws).rhat(); }
double ess_bulk(const ChainValues& draws) { return Diagnosis(draws).ess_bulk(); }
double ess_tail(const ChainValues& draws) { return Diagnosis(draws).ess_tail(); }
double ess_mean(const ChainValues& draws) { return Diagnosis(draws).ess_mean(); }
double ess_within_chain(const ChainValues& draws) {
  if (!correlated(draws)) return kNan;
  Autocovariance autocovariance;
  const std::span<const double> covariance = autocovariance.mean_over_chains(draws.values, draws.chains);
  const auto n = static_cast<size_t>(draws.draws);
  bool moved = false;
  for (size_t chain = 0; chain < draws.values.size() / n && !moved; ++chain) {
    moved = !all_equal(draws.values.subspan(chain * n, n));
  }
  if (!moved) return 0;
  const auto rho = [&](int64_t lag) { return covariance[static_cast<size_t>(lag)] / covariance[0]; };
  const auto count = static_cast<double>(n);
  return count / std::max(initial_monotone_sum(rho, draws.draws - 2).value, 1 / std::log10(count));
}
double mcse_mean(const ChainValues& draws) { return Diagnosis(draws).mcse_mean(); }
double mcse_sd(const ChainValues& draws) { return Diagnosis(draws).mcse_sd(); }

Convergence diagnose(const ChainValues& draws) {
  Diagnosis diagnosis(draws);
  Convergence all;
  all.mean = draws.values.empty() ? kNan : mean_of(draws.values);
  all.sd = draws.values.size() > 1 ? std::sqrt(variance_of(draws.values)) : kNan;
  all.mcse_mean = diagnosis.mcse_mean();
  all.mcse_sd = diagnosis.mcse_sd();
  all.ess_bulk = diagnosis.ess_bulk();
  all.ess_tail = diagnosis.ess_tail();
  all.rhat = diagnosis.rhat();
  return all;
}

std::vector<int64_t> chains_not_finite(const ChainValues& draws) {
  std::vector<int64_t> found;
  for (int64_t chain = 0; chain < draws.chains; ++chain) {
    const auto own = draws.values.subspan(static_cast<size_t>(chain * draws.draws), static_cast<size_t>(draws.draws));
    if (!std::all_of(own.begin(), own.end(), [](double v) { return std::isfinite(v); })) found.push_back(chain);
  }
  return found;
}

}  // namespace potluck
