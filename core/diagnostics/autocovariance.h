// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <complex>
#include <cstdint>
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

}  // namespace potluck
