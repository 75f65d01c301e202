// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "core/backend/rows/label_rows.h"
#include "core/backend/rows/row_arrays.h"
#include "core/backend/rows/row_numbers.h"

/// Launches of the kernels in grids_*.cu: raw pointers and a stream, `real` is 4 or 8 bytes a number. What one thread
/// does stands in grid_*.h.
namespace potluck::cuda {

/// The step that addresses the noise: *base + offset, so that a captured graph can be replayed for later steps.
struct StepAddress {
  const uint32_t* base = nullptr;  ///< on the device
  uint32_t offset = 0;
};

/// The rows of a variable, and what only grids are told.
struct GridArguments : RowArrays {
  StepAddress step;
  double* square = nullptr;
  bool first = false;  ///< of the variables: sums that run over all of them are set, not added to
};

struct GridRows : RowNumbers {
  StepAddress step;
};

inline constexpr int kMostGridPieces = 8;

struct GridPieces {
  int count = 0;
  RowPiece at[kMostGridPieces];
  bool watches = false;  ///< Group::left is set first, as Piece::Kind::kWatch says
  RowNumbers rows;       ///< that are watched
};

void set_step(uint32_t* base, uint32_t step, void* stream);

/// array <- 0
void clear(double* array, int64_t count, void* stream);
void clear(uint32_t* array, int64_t count, void* stream);

/// As the RowKernels of the same names. `unfolded` may be `to` or null.
void move(const GridArguments& a, int real, void* stream);
void move_clipped(const GridArguments& a, int real, void* stream);
/// Of the only variable: gradient_square() and freeze() of `r`'s step, then move(), in one launch. `sum` is null.
void freeze_and_move(const GridArguments& a, const GridRows& r, int real, void* stream);
void flow(const GridArguments& a, int real, void* stream);
void blur_given(const GridArguments& a, int real, void* stream);
void ratio(const GridArguments& a, int real, void* stream);

/// The pieces in their order, from (from, gradient, from_velocity) into (to, to_velocity). Null: positions or
/// velocities that do not change, a gradient that is not read, and for from_velocity one that begins as 0. Kinetic
/// pieces are added to `sum`, which is null where there are none. Rows are watched by the first thread of each.
void split(const GridArguments& a, const GridPieces& pieces, int real, void* stream);

/// sum[row] = 1 where a free coordinate of the gradient of any variable is not finite, else 0; of the other rows that
/// are not frozen square[row] += |gradient|^2 over free coordinates. Either may be null.
void gradient_square(const GridArguments& a, int real, void* stream);
/// The last variable's, followed by freeze() in the same launch.
void gradient_square_and_freeze(const GridArguments& a, const GridRows& r, int real, void* stream);

/// As RowKernels::Typed::products and turn, into the [3, rows] or [2, rows] at `sum`.
void products(const GridArguments& a, int real, void* stream);
void turn(const GridArguments& a, int real, void* stream);

/// to_velocity <- to_velocity / |v|, with the sums of products() in the scratch of `r`.
void normalise(const GridArguments& a, const GridRows& r, int real, void* stream);
/// The isokinetic kick of to_velocity, likewise; the first variable adds what it is worth to the log ratio.
void isokinetic_kick(const GridArguments& a, const GridRows& r, double time, int real, void* stream);

/// Where sum[row] is 1, rows of `from`, `gradient` and `from_velocity` are copied over `to`, `to_gradient` and
/// `to_velocity`; where it is -1, `to_velocity` changes sign. Velocities may be null.
void take_over(const GridArguments& a, int real, void* stream);

/// The decisions of all ladders: scratch becomes 1 for the colder row of a pair that swaps, else 0. Energies and
/// replicas change places here.
void swap(const GridRows& r, bool odd, void* stream);
/// Where sum[row] is 1, `to` and `to_gradient` of that row and the next change places.
void exchange(const GridArguments& a, int real, void* stream);

/// Freezes rows whose energy is not finite or whose scratch, from gradient_square(), is 1, and counts the energies of
/// the others.
void freeze(const GridRows& r, void* stream);

/// The decisions of all rows: scratch becomes 1 where a proposal was accepted, -1 where the velocity turns back, else
/// 0. Energies are taken over and counted here.
void decide(const GridRows& r, bool flip, void* stream);

/// scratch <- sqrt(step factor x T of the row / T), the step factor only where the noise has it.
void row_noise(const GridRows& r, bool noise_has_step, void* stream);

void begin_energy_error(const GridRows& r, void* stream);
void end_energy_error(const GridRows& r, void* stream);
/// With the sums of turn() in scratch.
void add_slopes(const GridRows& r, double reach, void* stream);

/// As the kernels of these names.
void begin_labels(const LabelRows& a, void* stream);
void offer_label(const LabelRows& a, int64_t category, void* stream);
void draw_label(const LabelRows& a, const StepAddress& step, void* stream);

/// [rows, n] standard normals, for tests.
void normals(const GridArguments& a, float* out, void* stream);

}  // namespace potluck::cuda
