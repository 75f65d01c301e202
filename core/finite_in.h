// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>

#include "core/precision.h"

namespace potluck {

/// Whether a number is finite in the type of a run's positions. Where it is not, that type is float32, or it is
/// infinite.
inline bool finite_in(Precision precision, double number) {
  return precision == Precision::kFloat32 ? std::isfinite(static_cast<float>(number)) : std::isfinite(number);
}

}  // namespace potluck
