// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/random/element.h"

namespace potluck::formula {

/// A point is not in [least, most].
template <class Real>
POTLUCK_ELEMENT bool is_outside(Real y, Real least, Real most) {
  return (y < least) | (y > most);
}

/// One reflection at each face, which is all that most points need.
template <class Real>
POTLUCK_ELEMENT Real reflected_once(Real y, Real least, Real most) {
  const Real above = y < least ? least + (least - y) : y;
  return above > most ? most - (above - most) : above;
}

/// y folded into [least, most]. A point that needs more than reflected_once() is folded from where it was, or, where
/// the unfolded point is not `kept`, from where those reflections left it: undoing them leaves the fold the same but
/// for its rounding.
template <class Real>
POTLUCK_ELEMENT Real folded(Real y, Real least, Real most, bool kept) {
  const Real inside = reflected_once(y, least, most);
  if (!is_outside(inside, least, most)) return inside;
  Real sign;
  return element::fold(kept ? y : inside, least, most, sign);
}

/// The point of [least, most] that is nearest to y.
template <class Real>
POTLUCK_ELEMENT Real clamped(Real y, Real least, Real most) {
  const Real above = y < least ? least : y;
  return above > most ? most : above;
}

/// A position that comes back into the support, and its velocity, which turns with every reflection.
template <class Real>
POTLUCK_ELEMENT void bounce(Real& x, Real& v, Real least, Real most) {
  Real sign;
  x = element::fold(x, least, most, sign);
  v *= sign;
}

}  // namespace potluck::formula
