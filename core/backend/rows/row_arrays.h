// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "core/random/element.h"

// This and the other headers of this folder are the formulas of a step, each written once, for every backend: functions
// of one element or of one row, which host and device compile alike. The loops over elements and rows are the
// backend's. Those that compile for wide vector units include this one, faces.h, flow.h, langevin.h, splitting.h,
// gradient.h and products.h, which like core/random/element.h leave no copies behind and call nothing of the standard
// library.

namespace potluck {

/// One variable's rows in a group of chains, and what is to be done with them. Reals are float or double. Null where a
/// kernel does not use it.
struct RowArrays {
  int64_t rows = 0;
  int64_t n = 0;
  const uint32_t* chain = nullptr;  ///< [rows] ids
  const uint8_t* frozen = nullptr;  ///< [rows] 1: leave the row alone
  const uint8_t* held = nullptr;    ///< [n] 1: leave the coordinate alone; null: none
  uint32_t seed = 0, variable = 0, purpose = 0;
  double least = 0, most = 0;         ///< support
  bool faces = false;                 ///< an end of the support is finite
  const void* scale = nullptr;        ///< [n] Real, of the metric; null: 1
  const double* row_step = nullptr;   ///< [rows] factors of drift and amounts; null: 1
  const double* row_noise = nullptr;  ///< [rows] factors of noise; null: 1
  const void* from = nullptr;         ///< [rows, n] Real, current positions
  const void* gradient = nullptr;     ///< [rows, n] Real, at `from`
  void* to = nullptr;                 ///< [rows, n] Real, new positions; may be `from`
  void* unfolded = nullptr;           ///< [rows, n] Real, new positions before faces; may be `to`, or null: not wanted
  void* to_gradient = nullptr;        ///< [rows, n] Real, at `to`
  const void* from_velocity = nullptr;  ///< [rows, n] Real
  void* to_velocity = nullptr;          ///< [rows, n] Real; may be `from_velocity`
  const void* centre = nullptr;         ///< [n] Real; null: 0
  double drift = 0, noise = 0;
  double clip = 0;              ///< elementwise bound of the gradient
  bool clamp = false;           ///< put what left the support on its face instead of reflecting it
  double* sum = nullptr;        ///< [rows], added to
  double* reflected = nullptr;  ///< [rows], the coordinates that were folded back are added to it
};

/// A piece of a splitting, as Piece of core/backend/kernels.h.
struct RowPiece {
  enum class Kind : uint8_t { kKick, kDrift, kRefresh, kKinetic };
  Kind kind = Kind::kRefresh;
  double amount = 0, noise = 0;
  uint32_t purpose = 0;
};

namespace formula {

/// What a row multiplies a step size or a noise with.
template <class Real>
POTLUCK_ELEMENT Real factor(double value, const double* rows, int64_t row) {
  return static_cast<Real>(rows ? value * rows[row] : value);
}

}  // namespace formula
}  // namespace potluck
