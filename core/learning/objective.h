// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "core/learning/batch.h"
#include "core/state_archive.h"

namespace potluck {

/// What an objective says of a batch: the loss first, then what else is worth watching. The names are the same each
/// time.
using Figures = std::vector<std::pair<std::string, double>>;

/// Sums of dL/dparameter, [arrays]: [size]; empty for arrays that are not learned.
using ParameterSums = std::vector<std::vector<double>>;

/// A loss L of parameters, which is the mean over rows of data. What it draws comes from the counter-based noise,
/// addressed by seed, update and row, so that an update has the same bits whatever went before it in this process.
class Objective {
 public:
  virtual ~Objective() = default;

  /// As composition files name it: "denoising_score_matching".
  virtual const char* name() const = 0;

  /// Adds dL/dparameter of update `update` to the sums. @param data  rows of all variables; it may be written to
  virtual Figures add_gradient(int64_t update, Batch& data, ParameterSums& sums) = 0;
  /// The loss of rows that are never learned from, with the same noise each time. @param first  of these rows
  virtual Figures assess(int64_t first, Batch& data) = 0;

  /// Whether a loss of the same rows that grows a hundredfold means that the training diverges, as a sum of squares
  /// does and a difference of energies does not.
  virtual bool growth_alarms() const { return false; }

  /// What it keeps from update to update.
  virtual void persist(StateArchive& /*archive*/) {}
};

}  // namespace potluck
