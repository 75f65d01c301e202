// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include "core/state_archive.h"

namespace potluck {

/// Spaces the temperatures between the coldest and the hottest so that all neighbours swap at one rate.
///
/// With r_i the mean rejection of pair i, the barrier from the coldest to T_i is Lambda(T_i) = r_0 + ... + r_{i-1} up
/// to terms of third order in the spacing; a ladder of equal rates has Lambda(T_k) = k Lambda / N, N pairs (Syed,
/// Bouchard-Cote, Deligiannidis & Doucet 2022, Non-reversible parallel tempering, JRSS B 84, section 5.4). Lambda is
/// taken to be linear in log T between two neighbours; the paper's is a cubic in 1/T. Both stay where rates are equal.
class LadderTuner {
 public:
  /// @param temperature of a first ladder, ascending.
  explicit LadderTuner(std::vector<double> temperature) : temperature_(std::move(temperature)) { clear(); }

  /// Adds what was counted of a pair.
  void observe(size_t pair, uint32_t attempts, double acceptance);
  /// Every pair was tried often enough for its rate to mean something.
  bool known() const;
  /// The barrier to a hottest temperature that is `factor` times as high, if it goes on to rise with log T as it does
  /// in the last pair.
  double barrier_with(double factor) const;
  /// Moves the temperatures between the ends and forgets what was counted; false where too little was.
  /// @param raise  factor of the hottest temperature, >= 1
  bool respace(double raise = 1);
  const std::vector<double>& temperature() const { return temperature_; }

  /// @throws FileError where what is read is no ladder, or nothing that swaps can have counted.
  void persist(StateArchive& archive);

 private:
  void clear();
  double rejection(size_t pair) const;
  /// Of the barrier in log T, in the last pair.
  double last_slope() const;
  std::vector<double> temperature_;
  std::vector<int64_t> attempts_;   ///< [pairs]
  std::vector<double> acceptance_;  ///< [pairs] sum of probabilities
};

/// The value at `at` of the line through (x, y), x ascending; beyond its ends their values.
double on_line(const std::vector<double>& x, const std::vector<double>& y, double at);

}  // namespace potluck
