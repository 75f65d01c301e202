// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/random/element.h"

// The pieces of a splitting of Langevin dynamics (Leimkuhler & Matthews 2013) in one coordinate: x = s u its position,
// v the velocity of u, s the scale of the metric. A scale of 1 changes no bit.

namespace potluck::formula {

/// B: v - amount s g
/// @param slope  s g
template <class Real>
POTLUCK_ELEMENT Real kicked(Real v, Real slope, Real amount) {
  return element::fma(-amount, slope, v);
}

/// A: x + amount s v
/// @param scaled_amount  amount s
template <class Real>
POTLUCK_ELEMENT Real drifted(Real x, Real v, Real scaled_amount) {
  return element::fma(scaled_amount, v, x);
}

/// O: kept v + noise z
template <class Real>
POTLUCK_ELEMENT Real refreshed(Real v, float z, Real kept, Real noise) {
  return element::fma(noise, static_cast<Real>(z), kept * v);
}

/// What becomes of a velocity in a combination with the gradient: kept v + added s g
/// @param slope  s g
template <class Real>
POTLUCK_ELEMENT Real combined(Real v, Real slope, Real kept, Real added) {
  return element::fma(added, slope, kept * v);
}

}  // namespace potluck::formula
