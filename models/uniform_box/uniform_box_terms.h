// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "models/row_model/row_call.h"

namespace potluck::models {

/// 0 where least <= x <= most, +infinity outside; a NaN stays NaN.
template <class Real>
struct UniformBoxTerms {
  const Real* least;  ///< [n]
  const Real* most;   ///< [n]

  POTLUCK_HOST_DEVICE Term<Real> operator()(const Real* x, int64_t i) const {
    const Real at = x[i];
    const Real inside = at == at ? Real(0) : at;
    return {at < least[i] || at > most[i] ? kInfinity<Real> : inside, Real(0)};
  }
};

}  // namespace potluck::models
