// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "core/energy/whitening_arithmetic.h"

namespace potluck {

/// The bits of the CPU.
std::unique_ptr<WhiteningArithmetic> cuda_whitening_arithmetic(Precision precision, int device);

}  // namespace potluck
