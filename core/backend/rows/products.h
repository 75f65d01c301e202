// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/random/element.h"

// What sums over a row are made of, beside formula::square and formula::langevin_ratio. All of them are in float64.

namespace potluck::formula {

/// A component of the gradient in u = x/s.
template <class Real>
POTLUCK_ELEMENT double slope(Real g, double scale) {
  return static_cast<double>(g) * scale;
}

/// |s g|^2, s g.v and |v|^2 of a row.
struct Products {
  double slope2 = 0, along = 0, square = 0;
};

/// What a free coordinate adds to them.
/// @param slope  slope()
POTLUCK_ELEMENT void add_product(Products& sums, double slope, double v) {
  sums.slope2 += slope * slope;
  sums.along += slope * v;
  sums.square += v * v;
}

/// A coordinate of u = x/s as it stands from the centre m: (x - m)/s.
template <class Real>
POTLUCK_ELEMENT double from_centre(Real x, double centre, double scale) {
  return (static_cast<double>(x) - centre) / scale;
}

/// What a coordinate adds to |y - m|^2 - |x - m|^2.
/// @param to, from  from_centre() of y and x
POTLUCK_ELEMENT double grown(double to, double from) { return to * to - from * from; }

/// |y - m|^2 - |x - m|^2 and (y - m).v of a row.
struct Turn {
  double grown = 0, along = 0;
};

/// What a free coordinate adds to them.
/// @param to, from  from_centre() of y and x
POTLUCK_ELEMENT void add_turn(Turn& sums, double to, double from, double v) {
  sums.grown += grown(to, from);
  sums.along += to * v;
}

}  // namespace potluck::formula
