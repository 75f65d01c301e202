// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace potluck {

/// Streaming lag products of one number of one chain, float64, in memory of 3 L numbers however long the chain: lags
/// 0 ... L of sum_i (x_i - m)(x_{i+t} - m) about any m, exactly those of the draws kept whole. That needs the sums of
/// x_i x_{i+t}, of x_i, and the first and last L values:
///
///   sum_i (x_i - m)(x_{i+t} - m) = P_t - m (2 S - tail_t - head_t) + (n - t) m^2,
///
/// head_t and tail_t the sums of the first and the last t values. All values are taken relative to the chain's first
/// one, which keeps the digits of numbers far from zero.
class LagProducts {
 public:
  explicit LagProducts(int64_t most_lag);

  int64_t most_lag() const { return static_cast<int64_t>(products_.size()) - 1; }
  int64_t count() const { return count_; }
  void add(double value);
  /// As if the other's values had been added here after these: the next block of the same chain. Lags must agree;
  /// @throws SettingError
  void append(const LagProducts& next);

  double mean() const;  ///< NaN where nothing was added
  /// (1/n) sum_i (x_i - mean)(x_{i+t} - mean); NaN for t >= n. @param lag  0 ... most_lag()
  double autocovariance(int64_t lag) const;

 private:
  int64_t count_ = 0;
  double reference_ = 0;          ///< the first value: what follows is relative to it
  double sum_ = 0;                ///< S
  std::vector<double> products_;  ///< [L + 1] P_t
  std::vector<double> head_;      ///< the first up to L values, in order
  std::vector<double> tail_;      ///< [L] ring of the last values: value i stands at i mod L
};

/// Integrated autocorrelation time in draws: n draws of a chain are worth n / value independent ones.
struct AutocorrelationTime {
  double value = 0;  ///< NaN where chains have fewer than 4 draws, a value is not finite, or nothing varies
  /// The sum came to its end before the longest lag. If not, `value` is a lower bound: use more lags, or thin.
  bool complete = false;
};

/// Of all chains together: rho_t = 1 - (W - mean autocovariance_t) / (W (n-1)/n + B), W within chains and B the
/// variance of their means, summed by Geyer's initial monotone sequence (Geyer 1992; Vehtari et al. 2021, eq. 10), as
/// in ess_mean() but for the split of chains in halves. Chains of one length. @throws SettingError
AutocorrelationTime autocorrelation_time(std::span<const LagProducts> chains);

}  // namespace potluck
