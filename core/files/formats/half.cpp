// SPDX-License-Identifier: Apache-2.0
#include "core/files/formats/half.h"

#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>

namespace potluck {

namespace {

float from_half(uint16_t bits) {
  const int exponent = (bits >> 10) & 31;
  const auto fraction = static_cast<float>(bits & 1023);
  float magnitude;
  if (exponent == 31) {
    magnitude = fraction == 0 ? std::numeric_limits<float>::infinity() : std::numeric_limits<float>::quiet_NaN();
  } else if (exponent == 0) {
    magnitude = std::ldexp(fraction, -24);
  } else {
    magnitude = std::ldexp(1024 + fraction, exponent - 25);
  }
  return bits & 0x8000 ? -magnitude : magnitude;
}

float from_brain_float(uint16_t bits) { return std::bit_cast<float>(uint32_t{bits} << 16); }

std::vector<std::byte> widened(std::span<const std::byte> from, float (*convert)(uint16_t)) {
  std::vector<std::byte> to(from.size() / 2 * 4);
  for (size_t i = 0; 2 * i + 1 < from.size(); ++i) {
    uint16_t bits;
    std::memcpy(&bits, from.data() + 2 * i, 2);
    const float value = convert(bits);
    std::memcpy(to.data() + 4 * i, &value, 4);
  }
  return to;
}

}  // namespace

std::vector<std::byte> floats_of_halves(std::span<const std::byte> halves) { return widened(halves, from_half); }

std::vector<std::byte> floats_of_brain_floats(std::span<const std::byte> halves) {
  return widened(halves, from_brain_float);
}

}  // namespace potluck
