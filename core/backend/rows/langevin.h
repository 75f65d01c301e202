// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/backend/rows/faces.h"
#include "core/random/element.h"

namespace potluck::formula {

/// A Langevin step in u = x/s (Roberts & Tweedie 1996), s the scale of the metric: x - drift s^2 g + noise s z. Without
/// a metric it is element::langevin, which gives the same bits as s = 1.
template <class Real>
POTLUCK_ELEMENT Real scaled_langevin(Real x, Real g, float z, Real drift, Real noise, Real scale) {
  return element::langevin(x, scale * (scale * g), z, drift, noise * scale);
}

/// A component of the gradient, put into [-bound, bound] as training of energies does (Du & Mordatch 2019). It was
/// clipped where it comes back as another number.
template <class Real>
POTLUCK_ELEMENT Real clipped(Real g, Real bound) {
  return clamped(g, -bound, bound);
}

/// What a coordinate adds to Kernels::add_langevin_ratio, from the way of y' and back:
///   (x - y') (g_x + f g_y) / 2 + step_size s^2 (g_y^2 - g_x^2) / 4
/// @param unfolded       y'
/// @param sign           f, of the fold that made y of y'
/// @param quarter        step_size / 4
/// @param squared_scale  s^2
template <class Real>
POTLUCK_ELEMENT double langevin_ratio(Real x, Real unfolded, Real from_gradient, Real to_gradient, double sign,
                                      double quarter, double squared_scale) {
  const double from = static_cast<double>(from_gradient), to = static_cast<double>(to_gradient);
  const double apart = static_cast<double>(x) - static_cast<double>(unfolded);
  return 0.5 * (apart * (from + sign * to)) + quarter * squared_scale * (to * to - from * from);
}

}  // namespace potluck::formula
