// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "models/row_model/elementary.h"

namespace potluck::models {

/// e^x - k x and e^x - k.
template <class Real>
struct LogGammaTerms {
  const Real* shape;  ///< k, [n]

  POTLUCK_HOST_DEVICE Term<Real> operator()(const Real* x, int64_t i) const {
    const Real power = exponential(x[i]);
    return {power - shape[i] * x[i], power - shape[i]};
  }
};

}  // namespace potluck::models
