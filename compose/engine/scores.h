// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/files/formats/table_file.h"
#include "potluck/engine.h"

namespace potluck::engine {

/// What is asked of each row of points.
struct Asked {
  bool experts = false;
  bool gradient = false;
};

/// Scores of rows of points, column by column as TableFile takes them.
class Scores {
 public:
  virtual ~Scores() = default;
  virtual const std::vector<TableColumn>& columns() const = 0;
  /// Evaluates. @returns the numbers of each column, which stay until the next call
  virtual std::vector<const double*> of(const Points& points) = 0;
  /// The energies of the last points: [rows], or with every label [rows, K].
  virtual const std::vector<double>& energy() const = 0;
};

/// Columns energy, expert_energy [E] and gradient_NAME [shape] of the composite as it is.
std::unique_ptr<Scores> plain_scores(Composite& composite, const Asked& asked);

/// Columns energy [K], probability [K] and expert_energy [K, E] with every label 0 ... K - 1 of a variable:
///   probability_k = exp(-E_k / T) / sum_j exp(-E_j / T)
/// NaN where every label has density zero, or an energy is no number.
/// @throws SettingError where `over` is no variable of one label
std::unique_ptr<Scores> scores_over(Composite& composite, const std::string& over, const Asked& asked);

}  // namespace potluck::engine
