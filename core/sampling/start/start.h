// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/variables/variable.h"

namespace potluck {

/// Where chains begin. A chain's start depends on the seed, its id and the attempt, on nothing else.
class Start {
 public:
  virtual ~Start() = default;
  /// For reports: "exact draws of the quadratic composite", "uniform in the supports".
  virtual std::string description() const = 0;
  /// Every start is a draw of the finished target; of a mixture as many of each branch as its weight says.
  virtual bool exact() const = 0;
  /// Chains begin where the user said, so that all replicas of a chain begin there.
  virtual bool given() const { return false; }
  /// Fills position[v] ([rows, n] doubles, one per variable) for chains first_chain ... first_chain + rows - 1. Held
  /// coordinates may be left alone: the caller writes them. `attempt` counts the redraws of a chain whose start had
  /// no density.
  virtual void draw(uint32_t seed, int64_t first_chain, int64_t rows, int attempt, double* const* position) const = 0;
};

/// Uniform in bounded supports; standard normal on the real line; least + |normal| or most - |normal| where one end is
/// finite. A label is uniform over its K categories, and K starts one after the other have all of them, here and in the
/// two that follow.
/// @param superchain  size of the superchains that are to begin at these starts: of each only the first start counts.
std::unique_ptr<Start> default_start(const std::vector<Variable>& variables, int64_t superchain = 1);

/// Uniform in the supports, all of which must be bounded. @throws SettingError naming the variable that is not.
std::unique_ptr<Start> uniform_start(const std::vector<Variable>& variables, int64_t superchain = 1);

/// Standard normal, folded into the supports.
std::unique_ptr<Start> normal_start(const std::vector<Variable>& variables, int64_t superchain = 1);

/// Given positions, one [rows, n] array per variable; chain c takes row c mod rows.
std::unique_ptr<Start> given_start(std::vector<std::vector<double>> position, int64_t rows,
                                   const std::vector<Variable>& variables, std::string description);

/// Superchains of `size` neighbouring chains that begin at one point, that of the first of them, which nested R-hat
/// needs (Margossian et al. 2024, "Nested R-hat").
std::unique_ptr<Start> superchain_start(std::unique_ptr<Start> start, int64_t size,
                                        const std::vector<Variable>& variables);

}  // namespace potluck
