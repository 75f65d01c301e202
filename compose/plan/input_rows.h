// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include "compose/plan/evaluation_order.h"

namespace potluck {

/// A batch of chains, and memory for what is gathered of them.
struct GatheredBatch {
  const void* const* position = nullptr;  ///< [variables]: [chains, n]
  int64_t chains = 0, stride = 0;         ///< stride: chains that `gathered` has place for
  char* gathered = nullptr;
  void* stream = nullptr;
};

/// Bytes a chain of the rows of one input, rounded up to 8.
int64_t bytes_a_chain(const PlannedEvaluation& evaluation, const PlannedInput& input, Precision precision);

/// Finds the rows that each input of an evaluation reads: variables as they stand, gathered parts of them, literals,
/// null for what the model is not given. Gathered ones stand one after the other.
class InputRows {
 public:
  InputRows(const std::vector<Variable>& variables, const Arithmetic& arithmetic, Precision precision)
      : variables_(variables), arithmetic_(arithmetic), precision_(precision) {}

  /// @param rows  [inputs], written
  void bind(const PlannedEvaluation& evaluation, const GatheredBatch& batch, const void** rows) const;

 private:
  const std::vector<Variable>& variables_;
  const Arithmetic& arithmetic_;
  const Precision precision_;
};

}  // namespace potluck
