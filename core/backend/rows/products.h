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

/// A coordinate of u = x/s as it stands from the centre m: (x - m)/s.
template <class Real>
POTLUCK_ELEMENT double from_centre(Real x, double centre, double scale) {
  return (static_cast<double>(x) - centre) / scale;
}

/// What a coordinate adds to |y - m|^2 - |x - m|^2.
/// @param to, from  from_centre() of y and x
POTLUCK_ELEMENT double grown(double to, double from) { return to * to - from * from; }

}  // namespace potluck::formula
