// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/backend/rows/decision.h"
#include "core/backend/rows/row_numbers.h"

namespace potluck::formula {

/// The slope of Kernels::add_trajectory_slope (Hoffman, Radul & Sountsov 2021, eq. 5) for one row:
///   a (reach D along - D^2 / 4)
/// @param moved  D = |y - m|^2 - |x - m|^2
/// @param along  (y - m) . v_y
POTLUCK_ELEMENT void add_trajectory_slope(const RowNumbers& r, double reach, double moved, double along, int64_t row) {
  const double log_a = log_acceptance(r, row);
  const double slope = probability_of(log_a) * (reach * moved * along - moved * moved / 4);
  if (!r.frozen[row] && finite(log_a) && finite(slope)) r.trajectory_slope[row] += slope;
}

}  // namespace potluck::formula
