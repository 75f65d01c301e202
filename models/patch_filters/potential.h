// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>

#include "models/row_model/elementary.h"

namespace potluck::models {

/// What an answer of a filter costs, in the order of the setting's choices.
enum class Potential { kStudentT, kSmoothL1 };

/// phi and its first two derivatives.
template <class Real>
struct Phi {
  Real value, slope, curvature;
};

/// Student t: log(1 + y^2/2). Smooth L1: sqrt(1 + y^2) - 1, written so that small y keep their digits.
template <class Real>
Phi<Real> phi_of(Potential potential, Real y) {
  if (potential == Potential::kStudentT) {
    const Real q = y * y / 2, share = 1 / (1 + q);
    return {log_one_plus(q), y * share, (1 - q) * share * share};
  }
  const Real root = std::sqrt(1 + y * y);
  return {y * y / (1 + root), y / root, 1 / (root * root * root)};
}

}  // namespace potluck::models
