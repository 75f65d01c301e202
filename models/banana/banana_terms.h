// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "models/row_model/row_call.h"

namespace potluck::models {

/// With r = x2 - b (x1^2 - s^2): the first coordinate's term is x1^2 / (2 s^2), the second's r^2 / (2 w^2).
template <class Real>
struct BananaTerms {
  Real bend;              ///< b
  Real spread_square;     ///< s^2
  Real spread_precision;  ///< 1 / s^2
  Real width_precision;   ///< 1 / w^2

  POTLUCK_HOST_DEVICE Term<Real> operator()(const Real* x, int64_t i) const {
    const Real r = x[1] - bend * (x[0] * x[0] - spread_square);
    const Real across = r * width_precision;
    const Real along = x[0] * spread_precision;
    if (i == 0) return {Real(0.5) * x[0] * along, along - Real(2) * bend * x[0] * across};
    return {Real(0.5) * r * across, across};
  }
};

}  // namespace potluck::models
