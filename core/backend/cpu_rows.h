// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

namespace potluck {

/// One variable's rows in a group of chains, and what is to be done with them. Types are those of a table below: Real
/// is float or double. Null where a kernel does not use it.
struct RowArguments {
  int64_t rows = 0;
  int64_t n = 0;
  const uint32_t* chain = nullptr;  ///< [rows] ids
  const uint8_t* frozen = nullptr;  ///< [rows] 1: leave the row alone
  const uint8_t* held = nullptr;    ///< [n] 1: leave the coordinate alone; null: none
  uint32_t seed = 0, variable = 0, step = 0, purpose = 0;
  double least = 0, most = 0;         ///< support
  bool faces = false;                 ///< an end of the support is finite
  const void* scale = nullptr;        ///< [n] Real, of the metric; null: 1
  const double* row_step = nullptr;   ///< [rows] factors of drift and amounts; null: 1
  const double* row_noise = nullptr;  ///< [rows] factors of noise; null: 1
  const void* from = nullptr;         ///< [rows, n] Real, current positions
  const void* gradient = nullptr;     ///< [rows, n] Real, at `from`
  void* to = nullptr;                 ///< [rows, n] Real, new positions; may be `from`
  void* unfolded = nullptr;           ///< [rows, n] Real, new positions before faces; may be `to`, or null: not wanted
  const void* to_gradient = nullptr;  ///< [rows, n] Real, at `to`
  const void* from_velocity = nullptr;  ///< [rows, n] Real
  void* to_velocity = nullptr;          ///< [rows, n] Real; may be `from_velocity`
  const void* centre = nullptr;         ///< [n] Real; null: 0
  double drift = 0, noise = 0;
  double clip = 0;              ///< elementwise bound of the gradient
  bool clamp = false;           ///< put what left the support on its face instead of reflecting it
  double* sum = nullptr;        ///< [rows], added to
  double* reflected = nullptr;  ///< [rows], the coordinates that were folded back are added to it
  uint8_t* flag = nullptr;      ///< [rows], set to 1
};

/// A piece of a splitting, as Piece of core/backend/kernels.h.
struct RowPiece {
  enum class Kind : uint8_t { kKick, kDrift, kRefresh, kKinetic };
  Kind kind;
  double amount, noise;
  uint32_t purpose;
};

/// The loops over elements, compiled for one vector width. All tables give the same bits.
struct RowKernels {
  struct Typed {
    /// to = fold(from - drift s^2 gradient + noise s z), s the scale; frozen rows and held coordinates are copied.
    void (*move)(const RowArguments&);
    /// to = from - drift clip(gradient) + noise z, then reflected or clamped; sum += share of coordinates clipped.
    void (*move_clipped)(const RowArguments&);
    /// sum += (from - unfolded) . (gradient + f to_gradient) / 2 + drift s^2 (to_gradient^2 - gradient^2) / 4 over
    /// free coordinates in float64, f the sign of the fold: what MALA's log ratio subtracts, times T.
    void (*ratio)(const RowArguments&);
    /// flag = 1 where a free coordinate of `gradient` is not finite; of the other rows that are not frozen sum +=
    /// |gradient|^2 over free coordinates, added in Real by the thousand, in float64 beyond. Either may be null.
    void (*gradient_square)(const RowArguments&);
    /// The pieces in their order on (to, to_velocity), which begin as (from, from_velocity); kinetic pieces add to sum.
    void (*split)(const RowArguments&, const RowPiece* pieces, int count);
    /// sum[row] += |s gradient|^2, sum[rows + row] += s gradient . from_velocity, sum[2 rows + row] +=
    /// |from_velocity|^2, over free coordinates in float64. Any gradient or velocity may be null: it counts as 0.
    void (*products)(const RowArguments&);
    /// to_velocity = row_noise to_velocity + row_step s gradient in free coordinates; row_step null: no gradient.
    void (*combine)(const RowArguments&);
    /// In u = x/s: sum[row] += |to - centre|^2 - |from - centre|^2, sum[rows + row] += (to - centre) . from_velocity.
    void (*turn)(const RowArguments&);
  };
  const char* name;                                  ///< "avx512", "avx2", "baseline"
  void (*normals)(const RowArguments&, float* out);  ///< [rows, n] standard normals at the arguments' address
  Typed float32;
  Typed float64;
};

/// The widest that this processor runs.
const RowKernels& row_kernels();

/// All that this processor runs, for tests that compare their bits.
std::vector<const RowKernels*> all_row_kernels();

}  // namespace potluck
