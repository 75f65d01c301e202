// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "compose/known/normaliser.h"

namespace potluck {

/// Whether exp(-E) of the finished composite has a finite integral over the coordinates that are not held.
struct Integrability {
  bool integrable = false;
  std::string why;  ///< the reason; where it is not known to be integrable: what is missing
};

/// Decided in this order: bounded supports and energies bounded below on boxes; all quadratic: Cholesky; every negated
/// leaf bounded below, as under a ceiling, and a positive integrable leaf on every free coordinate; the Gaussian parts
/// of all leaves, at weights of any sign, add up to a positive definite precision; the user's word. A leaf that is
/// conditional on parents covers what it draws where its log Z has one upper bound for all of them: the parents are
/// given, or have bounded supports, or its model says so (POTLUCK_NORMALISER_BOUNDED), or it is quadratic and bounded
/// below, or log Z is added, as in a hierarchy; and where its other parents are covered without it. All at T = 1.
Integrability integrability(const Composition& composition, const Coordinates& coordinates, const Experts& experts,
                            const Normaliser& normaliser);

}  // namespace potluck
