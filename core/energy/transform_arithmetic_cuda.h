// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "core/energy/transform_arithmetic.h"

namespace potluck {

/// Positions and gradients are the bits of the CPU; sums of log slopes are made in another order.
std::unique_ptr<TransformArithmetic> cuda_transform_arithmetic(Precision precision, int device);

}  // namespace potluck
