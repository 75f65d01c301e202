// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

namespace potluck {

/// What the energy E of a composite and those of its experts E_i were: sums of squares and products are of distances
/// from the means.
struct EnergyMoments {
  double count = 0, mean = 0, squares = 0;
  std::vector<double> expert_mean, expert_squares, products;  ///< [experts]; products with E

  /// Names all that changes.
  template <class Archive>
  void persist(Archive& archive) {
    archive(count, mean, squares, expert_mean, expert_squares, products);
  }
};

/// Which expert drives a composite: of each, the share of the variance of the composite's energy E over draws, or over
/// steps, that its own energy E_i explains alone,
///
///   share_i = Cov(E_i, E)^2 / (Var(E_i) Var(E)).
///
/// It lies in [0, 1] and does not depend on the expert's weight, sign or unit, in products and mixtures alike. Experts
/// whose energies are uncorrelated have shares that add up to 1 in their product; those that fall and rise together
/// each have nearly all. Streaming, in float64, by Welford's update of the covariance.
class EnergyShares {
 public:
  explicit EnergyShares(int64_t experts);
  explicit EnergyShares(EnergyMoments moments) : moments_(std::move(moments)) {}

  /// @param expert_energy  [experts]
  void add(double energy, const double* expert_energy);

  /// The energies of one chain over `steps` steps.
  /// @param sums a column of core/chains/energy_sums.h, whose numbers are `stride` apart.
  void add_steps(double steps, const double* sums, int64_t stride);

  /// Those of other chains, or of later draws. @throws SettingError for another number of experts.
  void merge(const EnergyShares& other);

  const EnergyMoments& moments() const { return moments_; }
  EnergyMoments& moments() { return moments_; }

  /// NaN where E or the expert's energy does not vary, or is not finite.
  double share(int64_t expert) const;

 private:
  EnergyMoments moments_;
};

}  // namespace potluck
