// SPDX-License-Identifier: Apache-2.0
#pragma once

// The draw of a label, for CPU and CUDA: only correctly rounded operations, so that both draw the same label from the
// same energies (core/random/element.h).

#include "core/backend/rows/label_rows.h"
#include "core/energy/transform_element.h"
#include "core/random/element.h"
#include "core/random/philox.h"

namespace potluck::formula {

/// A row stays as it is: no label has density.
constexpr int64_t kNoLabel = -1;

/// Draws k with the probability exp(-E_k/T) / sum_j exp(-E_j/T): the first k up to which more than u of it lies. A
/// label at +infinity is never drawn.
/// @param energy E_k at k * stride; becomes exp(-(E_k - least)/T)
/// @param u in (0, 1), at most 1 - 2^-53
/// @param failed an E_k is NaN or -infinity: the first such k is returned
POTLUCK_ELEMENT int64_t label_of(double* energy, int64_t stride, int64_t categories, double temperature, double u,
                                 bool& failed) {
  double least = element::kDoubleInfinity;
  failed = false;
  for (int64_t k = 0; k < categories; ++k) {
    const double one = energy[k * stride];
    failed = !(one > -element::kDoubleInfinity);
    if (failed) return k;
    least = one < least ? one : least;
  }
  if (least == element::kDoubleInfinity) return kNoLabel;
  double total = 0;
  for (int64_t k = 0; k < categories; ++k) {
    const double share = element::exponential((least - energy[k * stride]) / temperature);
    energy[k * stride] = share;
    total += share;
  }
  // The sums below are those that made the total, in the same order: the last is the total, which is above u of it.
  const double wanted = u * total;
  double sum = 0;
  int64_t drawn = 0;
  for (int64_t k = 0; k < categories; ++k) {
    sum += energy[k * stride];
    drawn = k;
    if (sum > wanted) break;
  }
  return drawn;
}

/// The uniform of an element: number `element` of the variable's stream in that step (docs/noise.md).
POTLUCK_ELEMENT double label_uniform(const LabelRows& a, uint32_t step, int64_t row) {
  uint32_t c0 = static_cast<uint32_t>(a.element / 2), c1 = a.chain[row], c2 = step,
           c3 = static_cast<uint32_t>(Purpose::kLabel);
  element::philox(c0, c1, c2, c3, a.seed, a.variable);
  return a.element % 2 == 0 ? element::unit_uniform(c0, c1) : element::unit_uniform(c2, c3);
}

/// The draw of a row, which leaves its proposal equal to its label.
POTLUCK_ELEMENT void draw_label(const LabelRows& a, uint32_t step, int64_t row) {
  const int64_t at = row * a.n + a.element;
  if (!a.frozen[row]) {
    bool failed = false;
    const double temperature = a.row_temperature ? a.row_temperature[row] : a.temperature;
    const int64_t drawn =
        label_of(a.energy + row, a.rows, a.categories, temperature, label_uniform(a, step, row), failed);
    if (drawn != kNoLabel) a.label[at] = drawn;
    if (failed) {
      a.frozen[row] = 1;
      a.frozen_step[row] = step;
    }
  }
  a.proposal[at] = a.label[at];
}

}  // namespace potluck::formula
