// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <type_traits>
#include <variant>
#include <vector>

#include "models/gaussian/gaussian_law.h"

namespace potluck::models {

/// A Gaussian where some coordinates stand at one value for the life of the model. With those,
///
///   (x - m)' P (x - m) / 2 = (x_f - m_f')' P_ff (x_f - m_f') / 2 + constant,   m_f' the mean of x_f given x_h,
///
/// and the gradient of x_f is the same, so that evaluations need nothing of the size of x.
class ConditionedLaw {
 public:
  /// Consecutive coordinates.
  struct Run {
    int64_t first, length;
  };

  ConditionedLaw(const GaussianLaw& law, const plugin::Setup& setup)
      : ConditionedLaw(law, setup.size(), setup.held(), setup.held_values()) {}

  /// @param held, value  [n], or empty: nothing is held
  ConditionedLaw(const GaussianLaw& law, int64_t n, std::span<const uint8_t> held, std::span<const double> value)
      : law_(law), coordinates_(n) {
    // Where nothing is free there is no law left: the work stays as it is.
    if (std::find(held.begin(), held.end(), uint8_t{0}) == held.end()) held = {};
    for (int64_t i = 0; i < n; ++i) {
      std::vector<Run>& runs = !held.empty() && held[static_cast<size_t>(i)] != 0 ? held_ : free_;
      if (!runs.empty() && runs.back().first + runs.back().length == i)
        ++runs.back().length;
      else
        runs.push_back({i, 1});
    }
    if (!conditioned()) return;
    std::visit(
        [&](const auto& all) {
          using Law = std::decay_t<decltype(all)>;
          const typename Law::Given given(all, held.data());
          constant_ = 0.5 * given.held_square(value.data());
          law_ = given.free_law(value.data());
        },
        law);
  }

  const GaussianLaw& law() const { return law_; }  ///< of the free coordinates
  double constant() const { return constant_; }
  int64_t coordinates() const { return coordinates_; }         ///< of x
  bool conditioned() const { return !held_.empty(); }          ///< some coordinate is held
  const std::vector<Run>& free_runs() const { return free_; }  ///< ascending; their numbers are those of law()
  const std::vector<Run>& held_runs() const { return held_; }  ///< the rest

  /// Which coordinates the runs are.
  static std::vector<int64_t> indices(const std::vector<Run>& runs) {
    std::vector<int64_t> all;
    for (const Run& run : runs)
      for (int64_t i = 0; i < run.length; ++i) all.push_back(run.first + i);
    return all;
  }

 private:
  GaussianLaw law_;
  int64_t coordinates_;
  double constant_ = 0;
  std::vector<Run> free_, held_;
};

}  // namespace potluck::models
