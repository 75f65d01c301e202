// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace potluck {

/// Numbers of IEEE 754 binary16 (1 sign bit, 5 exponent bits with bias 15, 10 fraction bits) as float32, each exactly.
/// @param halves  2 bytes a number, little-endian
std::vector<std::byte> floats_of_halves(std::span<const std::byte> halves);

/// Those of bfloat16, the upper halves of float32.
std::vector<std::byte> floats_of_brain_floats(std::span<const std::byte> halves);

}  // namespace potluck
