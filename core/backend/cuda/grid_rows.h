// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/backend/cuda/grid_elements.h"
#include "core/backend/rows/decision.h"
#include "core/backend/rows/energy_sums.h"
#include "core/backend/rows/freezing.h"
#include "core/backend/rows/isokinetic.h"
#include "core/backend/rows/ladder.h"
#include "core/backend/rows/trajectory.h"

// What is done to a row as a whole, by one thread.

namespace potluck::cuda {

/// @param fails  a free coordinate of its gradient is not finite
POTLUCK_GRID void freeze_row(const GridRows& r, int64_t row, bool fails) {
  formula::freeze_failed(r, step_of(r.step), fails, row);
  if (!r.frozen[row]) formula::add_energies(r, row);
}

/// Energies are taken over here, what stands in variables by take_over().
POTLUCK_GRID void decide_row(const GridRows& r, bool flip, int64_t row) {
  r.scratch[row] = 0;
  const bool accepted = !r.frozen[row] && formula::accepts(r, step_of(r.step), row);
  r.left[row] = 0;
  if (r.frozen[row]) return;
  if (accepted) {
    r.scratch[row] = 1;
    r.energy[row] = r.proposal_energy[row];
    for (int64_t e = 0; e < r.experts; ++e) {
      r.expert_energy[e * r.rows + row] = r.proposal_expert_energy[e * r.rows + row];
    }
  } else if (flip) {
    r.scratch[row] = -1;
  }
  formula::add_energies(r, row);
}

/// The swaps of one ladder; what stands in variables changes places in exchange().
POTLUCK_GRID void swap_ladder(const GridRows& r, bool odd, int64_t ladder) {
  const int64_t coldest = ladder * r.ladder, hottest = coldest + r.ladder - 1;
  for (int64_t row = coldest; row <= hottest; ++row) r.scratch[row] = 0;
  for (int64_t row = coldest + odd; row < hottest; row += 2) {
    if (!formula::swaps(r, step_of(r.step), row)) continue;
    r.scratch[row] = 1;
    formula::exchange_numbers(r, row);
  }
  formula::count_round_trip(r, coldest);
}

/// The kick of a row, with the sums of products() in scratch.
POTLUCK_GRID IsokineticKick kick_of_row(const GridRows& r, double time, int64_t row) {
  return formula::isokinetic_kick(r, r.scratch[row], r.scratch[r.rows + row], r.scratch[2 * r.rows + row], time, row);
}

/// 1 / |v|, likewise.
POTLUCK_GRID double inverse_length_of_row(const GridRows& r, int64_t row) {
  return formula::inverse_length(r.scratch[2 * r.rows + row]);
}

/// With the sums of turn() in scratch.
POTLUCK_GRID void add_slope_row(const GridRows& r, double reach, int64_t row) {
  formula::add_trajectory_slope(r, reach, r.scratch[row], r.scratch[r.rows + row], row);
}

}  // namespace potluck::cuda
