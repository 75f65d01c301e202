// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include "core/backend/rows/row_arrays.h"

namespace potluck {

/// The rows of a variable, and what only the CPU's loops are told.
struct RowArguments : RowArrays {
  uint32_t step = 0;
  uint8_t* flag = nullptr;  ///< [rows], set to 1
};

/// The loops over elements, compiled for one vector width. All tables give the same bits.
struct RowKernels {
  struct Typed {
    /// to = fold(from - drift s^2 gradient + noise s z), s the scale; frozen rows and held coordinates are copied.
    void (*move)(const RowArguments&);
    /// to = from - drift clip(gradient) + noise z, then reflected or clamped; sum += share of coordinates clipped.
    void (*move_clipped)(const RowArguments&);
    /// to = fold(from + drift gradient) where held is not 1, in rows that are not frozen; `to` is `from`.
    void (*flow)(const RowArguments&);
    /// to = fold(centre + noise z) where held is not 1, in all rows.
    void (*blur_given)(const RowArguments&);
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
