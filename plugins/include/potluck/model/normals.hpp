// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>
#include <cstdint>
#include <numbers>
#include <span>

namespace potluck::plugin {

// For `draw`, which is given uniforms in (0, 1).

/// A standard normal of two uniforms (Box & Muller 1958); with the arguments swapped, another.
inline double normal_of(double first, double second) {
  return std::sqrt(-2 * std::log(first)) * std::cos(2 * std::numbers::pi * second);
}

/// Uniforms that `count` normals take pair by pair: one each, and one more where the count is odd.
constexpr int64_t uniforms_for_normals(int64_t count) { return count + count % 2; }

/// Standard normals pair by pair. normals.size() is that of the uniforms, which is even.
inline void standard_normals(std::span<const double> uniforms, std::span<double> normals) {
  for (size_t i = 0; i + 1 < uniforms.size(); i += 2) {
    const double radius = std::sqrt(-2 * std::log(uniforms[i]));
    const double angle = 2 * std::numbers::pi * uniforms[i + 1];
    normals[i] = radius * std::cos(angle);
    normals[i + 1] = radius * std::sin(angle);
  }
}

}  // namespace potluck::plugin
