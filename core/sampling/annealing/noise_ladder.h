// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "core/sampling/run/schedule.h"
#include "core/sampling/start/start.h"

namespace potluck {

/// A law whose draws are exact, and whose density is known.
class WeighedStart : public Start {
 public:
  /// E_0 of each row: the law is exp(-E_0) on the coordinates that move.
  /// @param position  [rows, n] doubles per variable
  virtual void energies(int64_t rows, const double* const* position, double* energy) const = 0;
  /// log of the integral of exp(-E_0).
  virtual double log_z() const = 0;
  /// The root of n over the trace of its precision: how long steps may be in its narrower directions.
  virtual double length() const = 0;
};

/// Levels of noise that a given number goes down, from `from` to the value that it is given.
struct NoiseLadder {
  int variable = 0;  ///< index into the target's variables: one real number, held whole
  double from = 0;   ///< above the given value
  Spacing spacing = Spacing::kKarras;
  int64_t levels = 0;  ///< before that of the given value, with those of Schedule; 0: found as the particles go
  const WeighedStart* base = nullptr;  ///< a law near that of the target at the first level; outlives the estimate
};

}  // namespace potluck
