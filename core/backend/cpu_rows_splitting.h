// SPDX-License-Identifier: Apache-2.0
#pragma once

// The pieces of splittings on rows, included by cpu_rows_loops.h.

#include <cstdint>

#include "core/backend/cpu_rows_faces.h"
#include "core/backend/cpu_rows_noise.h"
#include "core/backend/cpu_rows_sums.h"
#include "core/backend/rows/splitting.h"

namespace potluck {
namespace {

template <class Real>
void kick(Real* v, const Real* g, const Real* scale, const uint8_t* held, int64_t count, Real amount) {
  if (held) {
    for (int64_t j = 0; j < count; ++j) {
      const Real slope = scale ? scale[j] * g[j] : g[j];
      v[j] = held[j] ? v[j] : formula::kicked(v[j], slope, amount);
    }
  } else if (scale) {
    for (int64_t j = 0; j < count; ++j) v[j] = formula::kicked(v[j], scale[j] * g[j], amount);
  } else {
    for (int64_t j = 0; j < count; ++j) v[j] = formula::kicked(v[j], g[j], amount);
  }
}

template <class Real>
void drift(Real* x, Real* v, const Real* scale, const uint8_t* held, int64_t count, Real amount) {
  if (held) {
    for (int64_t j = 0; j < count; ++j) {
      const Real y = formula::drifted(x[j], v[j], scale ? amount * scale[j] : amount);
      x[j] = held[j] ? x[j] : y;
    }
  } else if (scale) {
    for (int64_t j = 0; j < count; ++j) x[j] = formula::drifted(x[j], v[j], amount * scale[j]);
  } else {
    for (int64_t j = 0; j < count; ++j) x[j] = formula::drifted(x[j], v[j], amount);
  }
}

template <class Real>
void refresh(Real* v, const float* z, const uint8_t* held, int64_t count, Real kept, Real noise) {
  if (held) {
    for (int64_t j = 0; j < count; ++j) v[j] = held[j] ? Real(0) : formula::refreshed(v[j], z[j], kept, noise);
  } else {
    for (int64_t j = 0; j < count; ++j) v[j] = formula::refreshed(v[j], z[j], kept, noise);
  }
}

// sum[row] += half |v|^2, the squares added up as by sum_of().
template <class Real, int n>
__attribute__((noinline)) void add_kinetic_of_narrow_rows(const Real* v, int64_t rows, double half, double* sum) {
  const auto square = [v](int64_t at) { return formula::square(v[at]); };
  for (int64_t row = 0; row < rows; ++row) {
    const int64_t at = row * n;
    double squares = square(at);
    if constexpr (n == 2) squares += square(at + 1);
    if constexpr (n == 3) squares = (squares + square(at + 2)) + square(at + 1);
    if constexpr (n == 4) squares = (squares + square(at + 2)) + (square(at + 1) + square(at + 3));
    sum[row] += half * squares;
  }
}

template <class Real>
void add_kinetic(const Real* v, int64_t rows, int64_t n, double half, double* sum) {
  switch (n) {
    case 1:
      return add_kinetic_of_narrow_rows<Real, 1>(v, rows, half, sum);
    case 2:
      return add_kinetic_of_narrow_rows<Real, 2>(v, rows, half, sum);
    case 3:
      return add_kinetic_of_narrow_rows<Real, 3>(v, rows, half, sum);
    case 4:
      return add_kinetic_of_narrow_rows<Real, 4>(v, rows, half, sum);
    default:
      break;
  }
  for (int64_t row = 0; row < rows; ++row, v += n) {
    sum[row] += half * sum_of(n, [v](int64_t j) { return formula::square(v[j]); });
  }
}

// A row of a patch, or all of its rows as a long one, on its way through a splitting.
template <class Real>
struct SplitRow {
  int64_t row;    // the first
  int64_t rows;   // in a long one
  int64_t count;  // of numbers
  Real* x;
  Real* v;
  const Real* g;
  const float* z;
  const Real* scale;    // of the metric, or null
  const uint8_t* held;  // or null
};

// x and v of a patch as the splitting begins with them. A velocity that is refreshed whole at first begins as 0.
template <class Real>
__attribute__((always_inline)) inline void begin_split(const RowArguments& a, const Patch& p, bool fresh) {
  // Whole rows follow each other without a gap.
  const int64_t at = p.row0 * a.n + p.column0, count = p.rows * p.columns;
  const Real* x = static_cast<const Real*>(a.from) + at;
  Real* to = static_cast<Real*>(a.to) + at;
  for (int64_t j = 0; x != to && j < count; ++j) to[j] = x[j];
  const Real* v = a.from_velocity ? static_cast<const Real*>(a.from_velocity) + at : nullptr;
  Real* to_v = static_cast<Real*>(a.to_velocity) + at;
  for (int64_t j = 0; fresh && j < count; ++j) to_v[j] = 0;
  for (int64_t j = 0; !fresh && v != to_v && j < count; ++j) to_v[j] = v[j];
}

template <class Real>
__attribute__((always_inline)) inline void drift_and_bounce(const RowArguments& a, const SplitRow<Real>& r,
                                                            Real amount) {
  const Real least = static_cast<Real>(a.least), most = static_cast<Real>(a.most);
  drift(r.x, r.v, r.scale, r.held, r.count, amount);
  if (!a.faces || (r.rows > 1 && !outside_of(r.x, r.count, least, most))) return;
  const int64_t part = r.count / r.rows;
  for (int64_t k = 0; k < r.rows; ++k) {
    const int reflected = bounce_row(r.x + k * part, r.v + k * part, r.held, part, least, most);
    if (a.reflected) a.reflected[r.row + k] += reflected;
  }
}

template <class Real>
__attribute__((always_inline)) inline void do_piece(const RowArguments& a, const RowPiece& piece,
                                                    const SplitRow<Real>& r) {
  switch (piece.kind) {
    case RowPiece::Kind::kKick:
      return kick(r.v, r.g, r.scale, r.held, r.count, formula::factor<Real>(piece.amount, a.row_step, r.row));
    case RowPiece::Kind::kDrift:
      return drift_and_bounce(a, r, formula::factor<Real>(piece.amount, a.row_step, r.row));
    case RowPiece::Kind::kRefresh:
      return refresh(r.v, r.z, r.held, r.count, static_cast<Real>(piece.amount),
                     formula::factor<Real>(piece.noise, a.row_noise, r.row));
    case RowPiece::Kind::kKinetic:
      return add_kinetic(r.v, r.rows, r.count / r.rows, piece.amount / 2, a.sum + r.row);
  }
}

// A patch of positions and velocities stays in the first-level cache through all pieces.
template <class Real>
void split(const RowArguments& a, const RowPiece* pieces, int pieces_count) {
  const bool fresh = pieces[0].kind == RowPiece::Kind::kRefresh && pieces[0].amount == 0;
  NoisePatch noise;
  const JoinedRows<Real> together(a, true);
  for_patches(a.rows, a.n, [&](const Patch& p) {
    begin_split<Real>(a, p, fresh);
    const int64_t stride = together.possible ? p.columns : p.stride;
    const bool all = all_move(a, p);
    for (int k = 0; k < pieces_count; ++k) {
      const RowPiece& piece = pieces[k];
      if (piece.kind == RowPiece::Kind::kRefresh) {
        fill_noise(a, p, piece.purpose, noise.z);
        if (together.possible) close_gaps(p, noise.z);
      }
      for_moving(a, p, all, together.possible, [&](int64_t i, int64_t rows) {
        const int64_t row = p.row0 + i, at = row * a.n + p.column0;
        do_piece(a, piece,
                 SplitRow<Real>{row, rows, rows * p.columns, static_cast<Real*>(a.to) + at,
                                static_cast<Real*>(a.to_velocity) + at,
                                a.gradient ? static_cast<const Real*>(a.gradient) + at : nullptr, noise.z + i * stride,
                                together.scale_for(a, p), together.held_for(a, p)});
      });
    }
  });
}

template <class Real>
void combine(const RowArguments& a) {
  const Real* scale = static_cast<const Real*>(a.scale);
  for (int64_t row = 0; row < a.rows; ++row) {
    if (a.frozen && a.frozen[row]) continue;
    Real* v = static_cast<Real*>(a.to_velocity) + row * a.n;
    const Real kept = static_cast<Real>(a.row_noise[row]);
    if (!a.row_step) {
      for (int64_t j = 0; j < a.n; ++j) v[j] = kept * v[j];
      continue;
    }
    const Real* g = static_cast<const Real*>(a.gradient) + row * a.n;
    const Real added = static_cast<Real>(a.row_step[row]);
    for (int64_t j = 0; j < a.n; ++j) {
      const Real moved = formula::combined(v[j], scale ? scale[j] * g[j] : g[j], kept, added);
      v[j] = a.held && a.held[j] ? v[j] : moved;
    }
  }
}

}  // namespace
}  // namespace potluck
