// SPDX-License-Identifier: Apache-2.0
#include "core/diagnostics/energy_shares.h"

#include <cmath>
#include <limits>

namespace potluck {

EnergyShares::EnergyShares(int64_t experts)
    : expert_mean_(static_cast<size_t>(experts)),
      expert_squares_(static_cast<size_t>(experts)),
      products_(static_cast<size_t>(experts)) {}

void EnergyShares::add(double energy, const double* expert_energy) {
  ++count_;
  const double apart = energy - mean_;
  mean_ += apart / count_;
  squares_ += apart * (energy - mean_);
  for (size_t e = 0; e < products_.size(); ++e) {
    const double own = expert_energy[e] - expert_mean_[e];
    expert_mean_[e] += own / count_;
    const double now = expert_energy[e] - expert_mean_[e];
    expert_squares_[e] += own * now;
    products_[e] += apart * now;
  }
}

double EnergyShares::share(int64_t expert) const {
  const auto e = static_cast<size_t>(expert);
  const double share = products_[e] / expert_squares_[e] * (products_[e] / squares_);
  return std::isfinite(share) ? std::fmin(share, 1.0) : std::numeric_limits<double>::quiet_NaN();
}

}  // namespace potluck
