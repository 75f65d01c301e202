// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

namespace potluck {

/// Which expert drives a composite: of each, the share of the variance of the composite's energy E over draws that its
/// own energy E_i explains alone,
///
///   share_i = Cov(E_i, E)^2 / (Var(E_i) Var(E)).
///
/// It lies in [0, 1] and does not depend on the expert's weight, sign or unit, in products and mixtures alike. Experts
/// whose energies are uncorrelated have shares that add up to 1 in their product; those that fall and rise together
/// each have nearly all. Streaming, in float64, by Welford's update of the covariance.
class EnergyShares {
 public:
  explicit EnergyShares(int64_t experts);

  /// @param expert_energy  [experts]
  void add(double energy, const double* expert_energy);

  /// NaN where E or the expert's energy does not vary, or is not finite.
  double share(int64_t expert) const;

 private:
  double count_ = 0, mean_ = 0, squares_ = 0;
  std::vector<double> expert_mean_, expert_squares_;
  std::vector<double> products_;  ///< sums of (E - mean)(E_i - mean)
};

}  // namespace potluck
