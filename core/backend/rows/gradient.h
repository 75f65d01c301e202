// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/random/element.h"

namespace potluck::formula {

/// Neither infinite nor NaN, in a way that host and device share.
template <class Real>
POTLUCK_ELEMENT bool finite(Real value) {
  return value - value == 0;
}

/// In float64, where no float32 overflows.
template <class Real>
POTLUCK_ELEMENT double square(Real value) {
  return static_cast<double>(value) * static_cast<double>(value);
}

}  // namespace potluck::formula
