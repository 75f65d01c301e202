// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "compose/plan/arithmetic.h"

namespace potluck {

/// The arithmetic of a plan on a CUDA device. Sums are those of the CPU in the same order, so that both give the same
/// bits for the same energies and gradients, but for exp and log in mixtures and ceilings.
std::unique_ptr<Arithmetic> cuda_arithmetic(Precision precision, int device);

}  // namespace potluck
