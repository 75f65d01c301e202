// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <complex>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

namespace potluck {

/// Autocovariance of several chains at once, by fast Fourier transforms of the padded chains (Wiener-Khinchin).
class Autocovariance {
 public:
  Autocovariance();
  ~Autocovariance();

  /// Mean over chains of (1/n) sum_i (x_i - m)(x_{i+t} - m), for lags t = 0 ... n-1, each chain about its own mean m.
  /// @param values  [chains, n]
  /// @return [n], valid until the next call.
  std::span<const double> mean_over_chains(std::span<const double> values, int64_t chains);

 private:
  struct Transform;
  std::unique_ptr<Transform> transform_;
  std::vector<double> padded_;
  std::vector<std::complex<double>> spectrum_;
  std::vector<std::complex<double>> power_;
};

/// 1 + 2 sum of autocorrelations, cut off where noise takes over.
struct MonotoneSum {
  double value = 0;
  bool ended = false;  ///< a pair of autocorrelations was no longer positive; else the lags were used up before
};

/// Geyer's initial monotone sequence (Geyer 1992, "Practical Markov chain Monte Carlo"; ended as in Vehtari et al.
/// 2021, eq. 10): pairs of neighbouring lags are summed as long as they are positive, none counting for more than one
/// before.
/// @param rho  autocorrelation at a lag, asked for lags 1 ... last_lag in order
MonotoneSum initial_monotone_sum(const std::function<double(int64_t)>& rho, int64_t last_lag);

}  // namespace potluck
