// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "models/row_model/row_call.h"

namespace potluck::models {

/// b (x^2 - 1)^2 and 4 b x (x^2 - 1).
template <class Real>
struct DoubleWellTerms {
  const Real* barrier;  ///< b, [n]

  POTLUCK_HOST_DEVICE Term<Real> operator()(const Real* x, int64_t i) const {
    const Real beyond = (x[i] - Real(1)) * (x[i] + Real(1));
    const Real slope = barrier[i] * beyond;
    return {slope * beyond, Real(4) * x[i] * slope};
  }
};

}  // namespace potluck::models
