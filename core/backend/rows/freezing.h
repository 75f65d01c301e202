// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/backend/rows/gradient.h"
#include "core/backend/rows/row_numbers.h"

namespace potluck::formula {

/// Freezes a row that moved until now and whose energy or gradient is not finite. One that froze earlier keeps its
/// step.
/// @param gradient_fails  a free coordinate of its gradient is not finite
POTLUCK_ELEMENT void freeze_failed(const RowNumbers& r, uint32_t step, bool gradient_fails, int64_t row) {
  if (r.frozen[row] || (!gradient_fails && finite(r.energy[row]))) return;
  r.frozen[row] = 1;
  r.frozen_step[row] = step;
}

}  // namespace potluck::formula
