// SPDX-License-Identifier: Apache-2.0
#pragma once

// Langevin steps of rows, included by cpu_rows_loops.h.

#include <cstdint>

#include "core/backend/cpu_rows_faces.h"
#include "core/backend/cpu_rows_noise.h"
#include "core/backend/rows/langevin.h"

namespace potluck {
namespace {

// What a Langevin step reads of a row, and what it multiplies with.
template <class Real>
struct LangevinRow {
  const Real* x;
  const Real* g;
  const float* z;
  const Real* scale;    // of the metric, or null
  const uint8_t* held;  // or null
  int64_t count;
  Real drift, noise;
};

template <class Real>
__attribute__((always_inline)) inline void move_row(const LangevinRow<Real>& r, Real* raw) {
  if (r.scale) {
    for (int64_t j = 0; j < r.count; ++j) {
      const Real y = formula::scaled_langevin(r.x[j], r.g[j], r.z[j], r.drift, r.noise, r.scale[j]);
      raw[j] = r.held && r.held[j] ? r.x[j] : y;
    }
  } else if (r.held) {
    for (int64_t j = 0; j < r.count; ++j) {
      const Real y = element::langevin(r.x[j], r.g[j], r.z[j], r.drift, r.noise);
      raw[j] = r.held[j] ? r.x[j] : y;
    }
  } else {
    for (int64_t j = 0; j < r.count; ++j) raw[j] = element::langevin(r.x[j], r.g[j], r.z[j], r.drift, r.noise);
  }
}

// Returns how many components of the gradient were clipped.
template <class Real>
__attribute__((always_inline)) inline int64_t move_row_clipped(const LangevinRow<Real>& r, Real bound, Real* raw) {
  int64_t clipped = 0;
  for (int64_t j = 0; j < r.count; ++j) {
    const bool is_free = !r.held || !r.held[j];
    const Real slope = formula::clipped(r.g[j], bound);
    clipped += is_free && slope != r.g[j];
    raw[j] = is_free ? element::langevin(r.x[j], slope, r.z[j], r.drift, r.noise) : r.x[j];
  }
  return clipped;
}

// Folds or clamps `count` numbers of `raw` into `to`: of a row, or of all rows of a patch as a long one.
template <class Real>
__attribute__((always_inline)) inline void bring_inside(const RowArguments& a, int64_t row, int64_t rows, Real* raw,
                                                        Real* to, int64_t count) {
  const Real least = static_cast<Real>(a.least), most = static_cast<Real>(a.most);
  if (a.faces && a.clamp) return clamp_row(raw, count, least, most);
  // Of the rows in a long one each has a count of its own, where there is anything to count.
  if (!a.faces || (rows > 1 && !outside_of(raw, count, least, most))) {
    if (raw != to) {
      for (int64_t j = 0; j < count; ++j) to[j] = raw[j];
    }
    return;
  }
  const int64_t part = count / rows;
  for (int64_t i = 0; i < rows; ++i) {
    const int reflected = fold_row(raw + i * part, to + i * part, part, least, most);
    if (a.reflected) a.reflected[row + i] += reflected;
  }
}

// Rows that do not move.
template <class Real>
__attribute__((noinline)) void copy_frozen(const RowArguments& a, const Patch& p) {
  for (int64_t row = p.row0; row < p.row0 + p.rows; ++row) {
    if (!a.frozen[row]) continue;
    const int64_t at = row * a.n + p.column0;
    const Real* x = static_cast<const Real*>(a.from) + at;
    Real* to = static_cast<Real*>(a.to) + at;
    Real* raw = a.unfolded ? static_cast<Real*>(a.unfolded) + at : to;
    for (int64_t j = 0; j < p.columns; ++j) raw[j] = to[j] = x[j];
  }
}

template <class Real, bool kClip>
void move_rows(const RowArguments& a) {
  NoisePatch noise;
  const JoinedRows<Real> together(a, !kClip);
  for_patches(a.rows, a.n, [&](const Patch& p) {
    fill_noise(a, p, a.purpose, noise.z);
    if (together.possible) close_gaps(p, noise.z);
    const int64_t stride = together.possible ? p.columns : p.stride;
    const Real* scale = together.scale_for(a, p);
    const uint8_t* held = together.held_for(a, p);
    const bool all = all_move(a, p);
    if (!all) copy_frozen<Real>(a, p);
    for_moving(a, p, all, together.possible, [&](int64_t i, int64_t rows) {
      const int64_t row = p.row0 + i, at = row * a.n + p.column0;
      Real* to = static_cast<Real*>(a.to) + at;
      Real* raw = a.unfolded ? static_cast<Real*>(a.unfolded) + at : to;
      const LangevinRow<Real> r = {static_cast<const Real*>(a.from) + at,
                                   static_cast<const Real*>(a.gradient) + at,
                                   noise.z + i * stride,
                                   scale,
                                   held,
                                   rows * p.columns,
                                   formula::factor<Real>(a.drift, a.row_step, row),
                                   formula::factor<Real>(a.noise, a.row_noise, row)};
      if constexpr (kClip) {
        const int64_t clipped = move_row_clipped(r, static_cast<Real>(a.clip), raw);
        if (a.sum) a.sum[row] += static_cast<double>(clipped) / static_cast<double>(a.n);
      } else {
        move_row(r, raw);
      }
      bring_inside(a, row, rows, raw, to, r.count);
    });
  });
}

}  // namespace
}  // namespace potluck
