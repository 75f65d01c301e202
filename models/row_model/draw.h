// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>

#include "potluck/model/call.hpp"
#include "potluck/model/normals.hpp"

namespace potluck::models {

/// Draws a row coordinate by coordinate, where coordinates are independent, so that any may be held.
/// @param draw_one  double(int64_t coordinate, std::span<const double> uniforms), of `uniforms_each` uniforms
template <class Real, class DrawOne>
void draw_independent(const plugin::DrawCall<Real>& draw, size_t uniforms_each, DrawOne draw_one) {
  for (int64_t b = 0; b < draw.rows(); ++b) {
    const std::span<Real> out = draw.out(0, b);
    const std::span<const double> uniforms = draw.uniforms(b);
    for (size_t j = 0; j < out.size(); ++j) {
      const int64_t coordinate = static_cast<int64_t>(j);
      out[j] = draw.held(0, coordinate)
                   ? draw.given().input_row(0, b)[j]
                   : static_cast<Real>(draw_one(coordinate, uniforms.subspan(j * uniforms_each, uniforms_each)));
    }
  }
}

}  // namespace potluck::models
