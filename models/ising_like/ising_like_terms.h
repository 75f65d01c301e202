// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "models/row_model/row_call.h"

namespace potluck::models {

/// Pixel i of a picture of height x width, or of several such planes one after the other. A pair of neighbours belongs
/// to the pixel above or to the left of the other. A missing neighbour is the pixel itself: difference 0.
template <class Real>
struct IsingLikeTerms {
  int64_t height, width;
  Real coupling, half_coupling, precision, half_precision, mean;

  POTLUCK_HOST_DEVICE Term<Real> pixel(const Real* x, int64_t i, int64_t up, int64_t down, int64_t left,
                                       int64_t right) const {
    const Real at = x[i];
    const Real above = at - x[i - up], below = at - x[i + down];
    const Real before = at - x[i - left], after = at - x[i + right];
    const Real off = at - mean;
    return {half_coupling * (below * below + after * after) + half_precision * (off * off),
            coupling * ((above + below) + (before + after)) + precision * off};
  }

  POTLUCK_HOST_DEVICE Term<Real> operator()(const Real* x, int64_t i) const {
    const int64_t line = i / width, column = i % width, row = line % height;
    return pixel(x, i, row > 0 ? width : 0, row + 1 < height ? width : 0, column > 0, column + 1 < width);
  }

  /// The same for a run of pixels, line by line: inside a line all neighbours are at the same distance, which
  /// vectorises.
  POTLUCK_HOST_DEVICE void fill(const Real* __restrict x, int64_t first, int64_t count, Real* __restrict energy,
                                Real* __restrict gradient) const {
    int64_t j = 0;
    while (j < count) {
      const int64_t i = first + j, column = i % width, row = (i / width) % height;
      const int64_t up = row > 0 ? width : 0, down = row + 1 < height ? width : 0;
      if (column == 0 || column + 1 == width) {
        const Term<Real> term = pixel(x, i, up, down, column > 0, column + 1 < width);
        energy[j] = term.energy;
        gradient[j] = term.gradient;
        ++j;
        continue;
      }
      const int64_t inside = width - 1 - column;
      const int64_t end = j + (inside < count - j ? inside : count - j);
      for (; j < end; ++j) {
        const Term<Real> term = pixel(x, first + j, up, down, 1, 1);
        energy[j] = term.energy;
        gradient[j] = term.gradient;
      }
    }
  }
};

}  // namespace potluck::models
