// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/backend/cuda/grid_elements.h"
#include "core/backend/rows/energy_error.h"
#include "core/backend/rows/faces.h"
#include "core/backend/rows/flow.h"
#include "core/backend/rows/gradient.h"
#include "core/backend/rows/langevin.h"
#include "core/backend/rows/splitting.h"

namespace potluck::cuda {

/// As RowKernels::Typed::move.
template <class Real, bool kPacked>
POTLUCK_GRID void move_four(const GridArguments& a, const Four& four) {
  const bool keeps = a.unfolded && a.unfolded != a.to;
  const Pack<Real> x = load<Real, kPacked>(a.from, four.at, four.count);
  Pack<Real> raw = x, y = x;
  if (!is_frozen(a, four.row)) {
    const Pack<Real> g = load<Real, kPacked>(a.gradient, four.at, four.count);
    const Pack<Real> scale = scale_of<Real, kPacked>(a, four);
    const Still still = still_of(a, four);
    const Real drift = formula::factor<Real>(a.drift, a.row_step, four.row);
    const Real noise = formula::factor<Real>(a.noise, a.row_noise, four.row);
    const Real least = static_cast<Real>(a.least), most = static_cast<Real>(a.most);
    float z[4];
    four_normals(a, four, a.purpose, z);
    int reflected = 0;
    for (int k = 0; k < 4; ++k) {
      if (!still.at[k]) {
        raw.at[k] = formula::scaled_langevin(x.at[k], g.at[k], z[k], drift, noise, scale.at[k]);
      }
      y.at[k] = a.faces ? formula::folded(raw.at[k], least, most, keeps) : raw.at[k];
      reflected += !still.at[k] && formula::is_outside(raw.at[k], least, most);
    }
    if (a.faces) count_reflected(a, four.row, reflected);
  }
  store<Real, kPacked>(a.to, four.at, four.count, y);
  if (keeps) store<Real, kPacked>(a.unfolded, four.at, four.count, raw);
}

/// As RowKernels::Typed::move_clipped, of a row that is not frozen. Returns how many were clipped.
template <class Real, bool kPacked>
POTLUCK_GRID int move_clipped_four(const GridArguments& a, const Four& four) {
  Pack<Real> x = load<Real, kPacked>(a.from, four.at, four.count);
  const Pack<Real> g = load<Real, kPacked>(a.gradient, four.at, four.count);
  const Still still = still_of(a, four);
  const Real drift = static_cast<Real>(a.drift), noise = static_cast<Real>(a.noise), bound = static_cast<Real>(a.clip);
  const Real least = static_cast<Real>(a.least), most = static_cast<Real>(a.most);
  int clipped = 0, reflected = 0;
  float z[4];
  four_normals(a, four, a.purpose, z);
  for (int k = 0; k < 4; ++k) {
    const Real slope = formula::clipped(g.at[k], bound);
    clipped += !still.at[k] && slope != g.at[k];
    Real y = still.at[k] ? x.at[k] : element::langevin(x.at[k], slope, z[k], drift, noise);
    if (a.faces && a.clamp) {
      y = formula::clamped(y, least, most);
    } else if (a.faces) {
      reflected += !still.at[k] && formula::is_outside(y, least, most);
      y = formula::folded(y, least, most, false);
    }
    x.at[k] = y;
  }
  store<Real, kPacked>(a.to, four.at, four.count, x);
  count_reflected(a, four.row, reflected);
  return clipped;
}

/// As RowKernels::Typed::flow.
template <class Real, bool kPacked>
POTLUCK_GRID void flow_four(const GridArguments& a, const Four& four) {
  if (is_frozen(a, four.row)) return;
  Pack<Real> x = load<Real, kPacked>(a.to, four.at, four.count);
  const Pack<Real> g = load<Real, kPacked>(a.gradient, four.at, four.count);
  const Still still = still_of(a, four);
  const Real amount = static_cast<Real>(a.drift), least = static_cast<Real>(a.least), most = static_cast<Real>(a.most);
  int reflected = 0;
  for (int k = 0; k < 4; ++k) {
    if (still.at[k]) continue;
    const Real y = formula::flowed(x.at[k], g.at[k], amount);
    x.at[k] = a.faces ? formula::folded(y, least, most, false) : y;
    reflected += formula::is_outside(y, least, most);
  }
  if (a.faces) count_reflected(a, four.row, reflected);
  store<Real, kPacked>(a.to, four.at, four.count, x);
}

/// As RowKernels::Typed::blur_given.
template <class Real, bool kPacked>
POTLUCK_GRID void blur_given_four(const GridArguments& a, const Four& four) {
  Pack<Real> x = load<Real, kPacked>(a.to, four.at, four.count);
  const Pack<Real> given = load<Real, kPacked>(a.centre, four.column, four.count);
  const Still still = still_of(a, four);
  const Real deviation = static_cast<Real>(a.noise), least = static_cast<Real>(a.least);
  const Real most = static_cast<Real>(a.most);
  float z[4];
  four_normals(a, four, a.purpose, z);
  for (int k = 0; k < 4; ++k) {
    if (still.at[k]) continue;
    const Real y = formula::under_noise(given.at[k], z[k], deviation);
    x.at[k] = a.faces ? formula::folded(y, least, most, false) : y;
  }
  store<Real, kPacked>(a.to, four.at, four.count, x);
}

/// The pieces on four elements, as RowKernels::Typed::split. Returns what kinetic pieces add for them.
template <class Real, bool kPacked>
POTLUCK_GRID double split_four(const GridArguments& a, const GridPieces& pieces, const Four& four) {
  if (pieces.watches && four.column == 0) formula::watch(pieces.rows, four.row);
  Pack<Real> x = filled(Real(0)), v = x, g = x;
  if (a.from) x = load<Real, kPacked>(a.from, four.at, four.count);
  if (a.from_velocity) v = load<Real, kPacked>(a.from_velocity, four.at, four.count);
  double kinetic = 0;
  int reflected = 0;
  if (!is_frozen(a, four.row)) {
    if (a.gradient) g = load<Real, kPacked>(a.gradient, four.at, four.count);
    const Pack<Real> scale = scale_of<Real, kPacked>(a, four);
    const Still still = still_of(a, four);
    const Real least = static_cast<Real>(a.least), most = static_cast<Real>(a.most);
    for (int i = 0; i < pieces.count; ++i) {
      const RowPiece& piece = pieces.at[i];
      switch (piece.kind) {
        case RowPiece::Kind::kKick: {
          const Real amount = formula::factor<Real>(piece.amount, a.row_step, four.row);
          for (int k = 0; k < 4; ++k) {
            if (!still.at[k]) v.at[k] = formula::kicked(v.at[k], scale.at[k] * g.at[k], amount);
          }
          break;
        }
        case RowPiece::Kind::kDrift: {
          const Real amount = formula::factor<Real>(piece.amount, a.row_step, four.row);
          for (int k = 0; k < 4; ++k) {
            if (still.at[k]) continue;
            x.at[k] = formula::drifted(x.at[k], v.at[k], amount * scale.at[k]);
            if (!a.faces || !formula::is_outside(x.at[k], least, most)) continue;
            formula::bounce(x.at[k], v.at[k], least, most);
            ++reflected;
          }
          break;
        }
        case RowPiece::Kind::kRefresh: {
          const Real kept = static_cast<Real>(piece.amount),
                     noise = formula::factor<Real>(piece.noise, a.row_noise, four.row);
          float z[4];
          four_normals(a, four, piece.purpose, z);
          for (int k = 0; k < 4; ++k) {
            v.at[k] = still.at[k] ? Real(0) : formula::refreshed(v.at[k], z[k], kept, noise);
          }
          break;
        }
        case RowPiece::Kind::kKinetic: {
          double squares = 0;
          for (int k = 0; k < 4; ++k) squares += formula::square(v.at[k]);
          kinetic += piece.amount / 2 * squares;
          break;
        }
      }
    }
  }
  count_reflected(a, four.row, reflected);
  if (a.to) store<Real, kPacked>(a.to, four.at, four.count, x);
  if (a.to_velocity) store<Real, kPacked>(a.to_velocity, four.at, four.count, v);
  return kinetic;
}

/// v <- kept v
template <class Real, bool kPacked>
POTLUCK_GRID void scale_four(const GridArguments& a, double kept, const Four& four) {
  Pack<Real> v = load<Real, kPacked>(a.to_velocity, four.at, four.count);
  for (int k = 0; k < 4; ++k) v.at[k] = static_cast<Real>(kept) * v.at[k];
  store<Real, kPacked>(a.to_velocity, four.at, four.count, v);
}

/// v <- kept v + added s g in free coordinates.
template <class Real, bool kPacked>
POTLUCK_GRID void combine_four(const GridArguments& a, double kept, double added, const Four& four) {
  Pack<Real> v = load<Real, kPacked>(a.to_velocity, four.at, four.count);
  const Pack<Real> g = load<Real, kPacked>(a.gradient, four.at, four.count);
  const Pack<Real> scale = scale_of<Real, kPacked>(a, four);
  const Still still = still_of(a, four);
  for (int k = 0; k < 4; ++k) {
    const Real moved =
        formula::combined(v.at[k], scale.at[k] * g.at[k], static_cast<Real>(kept), static_cast<Real>(added));
    if (!still.at[k]) v.at[k] = moved;
  }
  store<Real, kPacked>(a.to_velocity, four.at, four.count, v);
}

/// What the decision of the row means for four elements of a variable: see take_over().
template <class Real, bool kPacked>
POTLUCK_GRID void take_over_four(const GridArguments& a, const Four& four) {
  const auto copy = [&](void* to, const void* from) {
    store<Real, kPacked>(to, four.at, four.count, load<Real, kPacked>(from, four.at, four.count));
  };
  const double verdict = a.sum[four.row];
  if (verdict == 1) {
    copy(a.to, a.from);
    copy(a.to_gradient, a.gradient);
    if (a.from_velocity && a.to_velocity) copy(a.to_velocity, a.from_velocity);
  } else if (verdict == -1) {
    Pack<Real> v = load<Real, kPacked>(a.to_velocity, four.at, four.count);
    for (int k = 0; k < 4; ++k) v.at[k] = -v.at[k];
    store<Real, kPacked>(a.to_velocity, four.at, four.count, v);
  }
}

/// Four elements of a row and of the next change places: see exchange().
template <class Real, bool kPacked>
POTLUCK_GRID void exchange_four(const GridArguments& a, const Four& four) {
  if (a.sum[four.row] != 1) return;
  const auto exchange = [&](void* array) {
    const int64_t next = four.at + a.n;
    const Pack<Real> here = load<Real, kPacked>(array, four.at, four.count);
    store<Real, kPacked>(array, four.at, four.count, load<Real, kPacked>(array, next, four.count));
    store<Real, kPacked>(array, next, four.count, here);
  };
  exchange(a.to);
  exchange(a.to_gradient);
}

}  // namespace potluck::cuda
