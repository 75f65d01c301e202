// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/random/element.h"

namespace potluck::formula {

/// A step of the probability flow (Karras, Aittala, Aila & Laine 2022, equation 4), with amount (sigma' - sigma) sigma:
/// x + amount g, rounded once.
template <class Real>
POTLUCK_ELEMENT Real flowed(Real x, Real g, Real amount) {
  return element::fma(amount, g, x);
}

/// A given number under noise: given + deviation z, rounded once. Without noise it is the given number to the bit.
template <class Real>
POTLUCK_ELEMENT Real under_noise(Real given, float z, Real deviation) {
  return deviation == Real(0) ? given : element::fma(deviation, static_cast<Real>(z), given);
}

}  // namespace potluck::formula
