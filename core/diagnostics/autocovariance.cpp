// SPDX-License-Identifier: Apache-2.0
#include "core/diagnostics/autocovariance.h"

#include <algorithm>
#include <bit>
#include <limits>
#include <numeric>
#include <unsupported/Eigen/FFT>

namespace potluck {

struct Autocovariance::Transform {
  Eigen::FFT<double> fft{Eigen::default_fft_impl<double>(), Eigen::FFT<double>::HalfSpectrum};
};

Autocovariance::Autocovariance() : transform_(std::make_unique<Transform>()) {}
Autocovariance::~Autocovariance() = default;

std::span<const double> Autocovariance::mean_over_chains(std::span<const double> values, int64_t chains) {
  const size_t n = values.size() / static_cast<size_t>(chains);
  // Zeros of the chain's length keep the lags from running round.
  const size_t length = std::bit_ceil(2 * n);
  power_.assign(length / 2 + 1, 0.0);
  for (size_t chain = 0; chain < static_cast<size_t>(chains); ++chain) {
    const std::span<const double> own = values.subspan(chain * n, n);
    const double mean = std::accumulate(own.begin(), own.end(), 0.0) / static_cast<double>(n);
    padded_.assign(length, 0.0);
    for (size_t i = 0; i < n; ++i) padded_[i] = own[i] - mean;
    transform_->fft.fwd(spectrum_, padded_);
    for (size_t k = 0; k < power_.size(); ++k) power_[k] += std::norm(spectrum_[k]);
  }
  transform_->fft.inv(padded_, power_, static_cast<Eigen::Index>(length));
  const double scale = 1.0 / (static_cast<double>(n) * static_cast<double>(chains));
  for (size_t t = 0; t < n; ++t) padded_[t] *= scale;
  return std::span<const double>(padded_).first(n);
}

MonotoneSum initial_monotone_sum(const std::function<double(int64_t)>& rho, int64_t last_lag) {
  double even = 1, odd = rho(1), pairs = 0, least_pair = std::numeric_limits<double>::infinity();
  for (int64_t t = 1; t + 2 <= last_lag && even + odd > 0; t += 2) {
    least_pair = std::min(least_pair, even + odd);
    pairs += least_pair;
    even = rho(t + 1);
    odd = rho(t + 2);
  }
  // Of the pair where the sequence ends only the even lag counts, once.
  const double last = even > 0 || even + odd >= 0 ? even : 0.0;
  return {-1 + 2 * pairs + last, !(even + odd > 0)};
}

}  // namespace potluck
