// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "core/energy/energy.h"
#include "core/precision.h"

namespace potluck {

/// What a plan and its models are made for.
struct PlanOptions {
  Device device;
  Precision precision = Precision::kFloat32;
  int64_t most_rows = 256;  ///< chains in one call; a leaf inside `each` sees V times as many rows
  int workers = 1;          ///< threads that may evaluate at once; a model that is not thread-safe is created for each
  /// The door has a row of a literal for each row of a call: no more memory than this for the rows of one literal.
  /// Calls of a model with a longer one are made in pieces.
  int64_t most_literal_bytes = int64_t{64} << 20;
  bool learning = false;      ///< is trained: exp(-E) need not be integrable over what data are of
  bool only_explain = false;  ///< evaluates nothing: log Z that are to be estimated may be awaited
};

}  // namespace potluck
