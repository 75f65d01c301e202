// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "models/row_model/elementary.h"

namespace potluck::models {

/// (nu + 1)/2 log(1 + t^2/nu) with t = (x - m)/s.
template <class Real>
struct StudentTTerms {
  const Real* location;       ///< m, [n]
  const Real* inverse_scale;  ///< 1/s, [n]
  const Real* inverse_nu;     ///< 1/nu, [n]
  const Real* power;          ///< (nu + 1)/2, [n]

  POTLUCK_HOST_DEVICE Term<Real> operator()(const Real* x, int64_t i) const {
    const Real t = (x[i] - location[i]) * inverse_scale[i];
    const Real pull = t * inverse_nu[i];
    const Real q = t * pull;
    return {power[i] * log_one_plus(q), Real(2) * power[i] * inverse_scale[i] * pull / (Real(1) + q)};
  }
};

}  // namespace potluck::models
