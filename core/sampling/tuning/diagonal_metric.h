// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include "core/chains/chains.h"
#include "core/state_archive.h"

namespace potluck {

/// Nothing, or a list for each variable, which is empty or has a number for each of its coordinates.
bool fits(const std::vector<Variable>& variables, const std::vector<std::vector<double>>& lengths);
/// What fits, and is the scale of a metric: positive.
bool scales(const std::vector<Variable>& variables, const std::vector<std::vector<double>>& lengths);

/// The scale of every coordinate, pooled over chains and steps from draws and gradients:
///
///   s^2 = sqrt(var(x) / var(grad E / T))
///
/// which minimises the Fisher divergence between u = x/s and a standard normal (Seyboldt, Carlson & Carpenter,
/// Preconditioning Hamiltonian Monte Carlo by minimizing Fisher divergence). On a normal target it is the variance of
/// the coordinate. With n readings, log s^2 is drawn towards its mean over all coordinates with the weight of 5.
class DiagonalMetric {
 public:
  /// Adds the chains of a reading that are `sound`; one whose numbers are not finite is left out.
  void add(const CohortPositions& cohort, const std::vector<uint8_t>& sound);
  /// The mean position, [n] per variable.
  std::vector<std::vector<double>> centre() const;
  /// s, [n] per variable; empty where nothing was read.
  std::vector<std::vector<double>> scale(double temperature) const;
  int64_t readings() const { return count_; }
  void clear();

  /// @throws FileError where what is read is nothing that readings can have led to.
  void persist(StateArchive& archive) {
    archive(count_, sums_);
    archive.demand(StateArchive::counted(count_) && (count_ == 0 || !sums_.empty()), "readings of a metric");
  }

 private:
  struct Sums {
    std::vector<double> mean, square;                    ///< of positions: mean, sum of squared deviations
    std::vector<double> gradient_mean, gradient_square;  ///< of gradients
    void persist(StateArchive& archive) {
      archive(mean, square, gradient_mean, gradient_square);
      const size_t n = mean.size();
      archive.demand(square.size() == n && gradient_mean.size() == n && gradient_square.size() == n, "lengths");
    }
  };
  int64_t count_ = 0;
  std::vector<Sums> sums_;  ///< per variable
};

}  // namespace potluck
