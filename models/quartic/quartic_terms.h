// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "models/row_model/row_call.h"

namespace potluck::models {

/// c x^4 and 4 c x^3.
template <class Real>
struct QuarticTerms {
  const Real* coefficient;  ///< [n]

  POTLUCK_HOST_DEVICE Term<Real> operator()(const Real* x, int64_t i) const {
    const Real square = x[i] * x[i];
    const Real slope = coefficient[i] * square * x[i];
    return {slope * x[i], Real(4) * slope};
  }
};

}  // namespace potluck::models
