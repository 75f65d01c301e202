// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/backend/cuda/grid_elements.h"
#include "core/backend/rows/gradient.h"
#include "core/backend/rows/langevin.h"
#include "core/backend/rows/products.h"

// Sums over a row, a warp each: lane l adds elements l, l + 32, ... in float64, and the lanes are folded in one order.

namespace potluck::cuda {

template <class Real>
POTLUCK_GRID Real element_of(const void* array, int64_t at) {
  return static_cast<const Real*>(array)[at];
}

template <class Real>
POTLUCK_GRID double scale_at(const GridArguments& a, int64_t column) {
  return a.scale ? static_cast<double>(element_of<Real>(a.scale, column)) : 1.0;
}

/// A lane's part of RowKernels::Typed::ratio.
template <class Real>
POTLUCK_GRID double ratio_of_lane(const GridArguments& a, int64_t row, int lane) {
  const double quarter = formula::factor<double>(a.drift, a.row_step, row) / 4;
  const Real least = static_cast<Real>(a.least), most = static_cast<Real>(a.most);
  double sum = 0;
  for (int64_t j = lane; j < a.n; j += kWarp) {
    if (is_held(a, j)) continue;
    const int64_t at = row * a.n + j;
    const Real raw = element_of<Real>(a.unfolded, at);
    Real sign = 1;
    if (a.faces) element::fold(raw, least, most, sign);
    const double s = scale_at<Real>(a, j);
    sum += formula::langevin_ratio(element_of<Real>(a.from, at), raw, element_of<Real>(a.gradient, at),
                                   element_of<Real>(a.to_gradient, at), static_cast<double>(sign), quarter, s * s);
  }
  return sum;
}

/// A lane's part of RowKernels::Typed::gradient_square, in float64: not finite where a coordinate is not.
template <class Real>
POTLUCK_GRID double square_of_lane(const GridArguments& a, int64_t row, int lane) {
  double sum = 0;
  // Loads that are under way together: without them the loop waits for memory.
  POTLUCK_GRID_UNROLL
  for (int64_t j = lane; j < a.n; j += kWarp) {
    sum += formula::square(is_held(a, j) ? Real(0) : element_of<Real>(a.gradient, row * a.n + j));
  }
  return sum;
}

/// A lane found a free coordinate of the gradient that is not finite.
template <class Real>
POTLUCK_GRID bool fails_in_lane(const GridArguments& a, int64_t row, int lane) {
  bool fails = false;
  for (int64_t j = lane; j < a.n; j += kWarp) {
    fails |= !formula::finite(element_of<Real>(a.gradient, row * a.n + j)) && !is_held(a, j);
  }
  return fails;
}

using formula::Products;
using formula::Turn;

/// A lane's part of RowKernels::Typed::products.
template <class Real>
POTLUCK_GRID Products products_of_lane(const GridArguments& a, int64_t row, int lane) {
  Products sums;
  for (int64_t j = lane; j < a.n; j += kWarp) {
    const int64_t at = row * a.n + j;
    const bool slopes = a.gradient && !is_held(a, j);
    const double slope = slopes ? formula::slope(element_of<Real>(a.gradient, at), scale_at<Real>(a, j)) : 0.0;
    formula::add_product(sums, slope, static_cast<double>(element_of<Real>(a.from_velocity, at)));
  }
  return sums;
}

template <class Real>
POTLUCK_GRID double from_centre(const GridArguments& a, const void* position, int64_t row, int64_t column) {
  const double centre = a.centre ? static_cast<double>(element_of<Real>(a.centre, column)) : 0.0;
  return formula::from_centre(element_of<Real>(position, row * a.n + column), centre, scale_at<Real>(a, column));
}

/// A lane's part of RowKernels::Typed::turn.
template <class Real>
POTLUCK_GRID Turn turn_of_lane(const GridArguments& a, int64_t row, int lane) {
  Turn sums;
  for (int64_t j = lane; j < a.n; j += kWarp) {
    if (is_held(a, j)) continue;
    const double to = from_centre<Real>(a, a.to, row, j), from = from_centre<Real>(a, a.from, row, j);
    formula::add_turn(sums, to, from, static_cast<double>(element_of<Real>(a.from_velocity, row * a.n + j)));
  }
  return sums;
}

/// What the first variable sets and the others add to.
POTLUCK_GRID void put(const GridArguments& a, int64_t at, double value) {
  a.sum[at] = a.first ? value : a.sum[at] + value;
}
POTLUCK_GRID void put(const GridArguments& a, int64_t row, const Products& sums) {
  put(a, row, sums.slope2);
  put(a, a.rows + row, sums.along);
  put(a, 2 * a.rows + row, sums.square);
}
POTLUCK_GRID void put(const GridArguments& a, int64_t row, const Turn& sums) {
  put(a, row, sums.grown);
  put(a, a.rows + row, sums.along);
}
/// @param square  over the row
POTLUCK_GRID void put_gradient(const GridArguments& a, int64_t row, double square, bool fails) {
  if (a.sum) a.sum[row] = fails || (!a.first && a.sum[row] == 1) ? 1 : 0;
  if (a.square && !fails && !is_frozen(a, row)) a.square[row] += square;
}

}  // namespace potluck::cuda
