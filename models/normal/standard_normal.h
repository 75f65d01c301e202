// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>
#include <cstdint>
#include <numbers>
#include <span>

namespace potluck::models {

/// Uniforms that `count` normals take: one each, and one more where the count is odd.
constexpr int64_t uniforms_for_normals(int64_t count) { return count + count % 2; }

/// Standard normals from uniforms in (0, 1), pair by pair (Box & Muller 1958). normals.size() is that of the uniforms,
/// which is even.
inline void standard_normals(std::span<const double> uniforms, std::span<double> normals) {
  for (size_t i = 0; i + 1 < uniforms.size(); i += 2) {
    const double radius = std::sqrt(-2 * std::log(uniforms[i]));
    const double angle = 2 * std::numbers::pi * uniforms[i + 1];
    normals[i] = radius * std::cos(angle);
    normals[i + 1] = radius * std::sin(angle);
  }
}

}  // namespace potluck::models
