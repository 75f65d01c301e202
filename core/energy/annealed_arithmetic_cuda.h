// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "core/energy/annealed_arithmetic.h"

namespace potluck {

/// Gradients are the bits of the CPU; sums over a row's coordinates are made in another order.
std::unique_ptr<AnnealedArithmetic> cuda_annealed_arithmetic(Precision precision, int device);

}  // namespace potluck
