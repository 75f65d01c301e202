// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>

#include "core/backend/cuda/grid_elements.h"
#include "core/backend/group.h"

namespace potluck::cuda {

/// One reflection at each face; a point that needs more is folded from where it began, or, where the unfolded point is
/// not kept, from where the two reflections left it, as rows are on the CPU.
template <class Real>
POTLUCK_GRID Real folded(Real y, Real least, Real most, bool kept) {
  const Real above = y < least ? least + (least - y) : y;
  const Real inside = above > most ? most - (above - most) : above;
  if (!(inside < least || inside > most)) return inside;
  Real sign;
  return element::fold(kept ? y : inside, least, most, sign);
}

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
    const Real drift = factor<Real>(a.drift, a.row_step, four.row);
    const Real noise = factor<Real>(a.noise, a.row_noise, four.row);
    const Real least = static_cast<Real>(a.least), most = static_cast<Real>(a.most);
    float z[4];
    four_normals(a, four, a.purpose, z);
    int reflected = 0;
    for (int k = 0; k < 4; ++k) {
      if (!still.at[k]) {
        const Real s = scale.at[k];
        raw.at[k] = element::langevin(x.at[k], s * (s * g.at[k]), z[k], drift, noise * s);
      }
      y.at[k] = a.faces ? folded(raw.at[k], least, most, keeps) : raw.at[k];
      reflected += !still.at[k] && (raw.at[k] < least || raw.at[k] > most);
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
    const Real low = g.at[k] < -bound ? -bound : g.at[k];
    const Real slope = low > bound ? bound : low;
    clipped += !still.at[k] && slope != g.at[k];
    Real y = still.at[k] ? x.at[k] : element::langevin(x.at[k], slope, z[k], drift, noise);
    if (a.faces && a.clamp) {
      y = y < least ? least : y;
      y = y > most ? most : y;
    } else if (a.faces) {
      reflected += !still.at[k] && (y < least || y > most);
      y = folded(y, least, most, false);
    }
    x.at[k] = y;
  }
  store<Real, kPacked>(a.to, four.at, four.count, x);
  count_reflected(a, four.row, reflected);
  return clipped;
}

/// As CpuKernels::watch, of one row.
POTLUCK_GRID void watch_row(const GridWatch& w, int64_t row) {
  const double temperature = w.row_temperature ? w.row_temperature[row] : w.temperature;
  const double error = w.proposal_energy[row] - w.energy[row] + w.log_ratio[row];
  if (w.proposal_energy[row] == INFINITY || error > kDivergence * temperature) w.left[row] = 1;
}

/// The pieces on four elements, as RowKernels::Typed::split. Returns what kinetic pieces add for them.
template <class Real, bool kPacked>
POTLUCK_GRID double split_four(const GridArguments& a, const GridPieces& pieces, const Four& four) {
  if (pieces.watch.left && four.column == 0) watch_row(pieces.watch, four.row);
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
      const GridPiece& piece = pieces.at[i];
      switch (piece.kind) {
        case GridPiece::Kind::kKick: {
          const Real amount = factor<Real>(piece.amount, a.row_step, four.row);
          for (int k = 0; k < 4; ++k) {
            if (!still.at[k]) v.at[k] = element::fma(-amount, scale.at[k] * g.at[k], v.at[k]);
          }
          break;
        }
        case GridPiece::Kind::kDrift: {
          const Real amount = factor<Real>(piece.amount, a.row_step, four.row);
          for (int k = 0; k < 4; ++k) {
            if (still.at[k]) continue;
            x.at[k] = element::fma(amount * scale.at[k], v.at[k], x.at[k]);
            if (!a.faces || !(x.at[k] < least || x.at[k] > most)) continue;
            Real sign;
            x.at[k] = element::fold(x.at[k], least, most, sign);
            v.at[k] *= sign;
            ++reflected;
          }
          break;
        }
        case GridPiece::Kind::kRefresh: {
          const Real kept = static_cast<Real>(piece.amount), noise = factor<Real>(piece.noise, a.row_noise, four.row);
          float z[4];
          four_normals(a, four, piece.purpose, z);
          for (int k = 0; k < 4; ++k) {
            v.at[k] = still.at[k] ? Real(0) : element::fma(noise, static_cast<Real>(z[k]), kept * v.at[k]);
          }
          break;
        }
        case GridPiece::Kind::kKinetic: {
          double squares = 0;
          for (int k = 0; k < 4; ++k) squares += static_cast<double>(v.at[k]) * static_cast<double>(v.at[k]);
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
    const Real moved = element::fma(static_cast<Real>(added), scale.at[k] * g.at[k], static_cast<Real>(kept) * v.at[k]);
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
