// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "compose/plan/difference_arithmetic.h"

namespace potluck {

/// The bits of the CPU.
std::unique_ptr<DifferenceArithmetic> cuda_difference_arithmetic(Precision precision, int device);

}  // namespace potluck
