// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>

#include "core/backend/cuda/grid_elements.h"
#include "core/backend/group.h"
#include "core/backend/isokinetic.h"
#include "core/random/philox.h"

// What is done to a row as a whole, by one thread; as CpuKernels.

namespace potluck::cuda {

POTLUCK_GRID double temperature_of(const GridRows& r, int64_t row) {
  return r.row_temperature ? r.row_temperature[row] : r.temperature;
}

POTLUCK_GRID double log_acceptance(const GridRows& r, int64_t row) {
  return (r.energy[row] - r.proposal_energy[row] - r.log_ratio[row]) / temperature_of(r, row);
}

/// The energies of a row that moves, as they stand after a step.
POTLUCK_GRID void add_energies_row(const GridRows& r, int64_t row) {
  if (!r.energy_sums) return;
  double* sums = r.energy_sums + row;
  const double apart = r.energy[row] - sums[0];
  sums[r.energy_stride] += apart;
  sums[2 * r.energy_stride] += apart * apart;
  for (int64_t e = 0; e < r.experts; ++e) {
    double* own = sums + (3 + 4 * e) * r.energy_stride;
    const double own_apart = r.expert_energy[e * r.rows + row] - own[0];
    own[r.energy_stride] += own_apart;
    own[2 * r.energy_stride] += own_apart * own_apart;
    own[3 * r.energy_stride] += apart * own_apart;
  }
}

/// @param fails  a free coordinate of its gradient is not finite
POTLUCK_GRID void freeze_row(const GridRows& r, int64_t row, bool fails) {
  if (r.frozen[row]) return;
  if (!fails && finite(r.energy[row])) {
    add_energies_row(r, row);
    return;
  }
  r.frozen[row] = 1;
  r.frozen_step[row] = step_of(r.step);
}

/// As CpuKernels::overflowed.
POTLUCK_GRID bool overflowed(const GridRows& r, int64_t row) {
  bool found = r.left[row] != 0;
  for (int64_t e = 0; e < r.experts; ++e) found |= r.proposal_expert_energy[e * r.rows + row] == INFINITY;
  return found;
}

/// The decision of one row, counted.
POTLUCK_GRID bool accepts(const GridRows& r, int64_t row) {
  const double proposed = r.proposal_energy[row];
  if (proposed == INFINITY) {
    ++r.divergences[row];
    return false;
  }
  const double log_a = log_acceptance(r, row);
  if (log_a != log_a || !finite(proposed)) {
    if (overflowed(r, row)) {
      ++r.divergences[row];
    } else {
      ++r.nan_proposals[row];
    }
    return false;
  }
  r.divergences[row] += log_a < -kDivergence;
  const double error = log_a < -kDivergence ? -kDivergence : log_a;
  r.energy_error[row] += error * error;
  r.acceptance[row] += exp(log_a < 0 ? log_a : 0.0);
  uint32_t c0 = 0, c1 = r.chain[row], c2 = step_of(r.step), c3 = static_cast<uint32_t>(Purpose::kAcceptance);
  element::philox(c0, c1, c2, c3, r.seed, r.decision_key);
  return log(element::unit_uniform(c0, c1)) < log_a;
}

/// Energies are taken over here, what stands in variables by take_over().
POTLUCK_GRID void decide_row(const GridRows& r, bool flip, int64_t row) {
  r.scratch[row] = 0;
  const bool accepted = !r.frozen[row] && accepts(r, row);
  r.left[row] = 0;
  if (r.frozen[row]) return;
  if (!accepted) {
    r.scratch[row] = flip ? -1 : 0;
    add_energies_row(r, row);
    return;
  }
  r.scratch[row] = 1;
  r.energy[row] = r.proposal_energy[row];
  for (int64_t e = 0; e < r.experts; ++e) {
    r.expert_energy[e * r.rows + row] = r.proposal_expert_energy[e * r.rows + row];
  }
  add_energies_row(r, row);
}

POTLUCK_GRID void row_noise_of(const GridRows& r, bool noise_has_step, int64_t row) {
  const double step = noise_has_step ? r.row_step[row] : 1.0;
  r.scratch[row] = sqrt(step * r.row_temperature[row] / r.temperature);
}

POTLUCK_GRID void begin_energy_error_row(const GridRows& r, int64_t row) { r.log_ratio[row] = -r.energy[row]; }

POTLUCK_GRID void end_energy_error_row(const GridRows& r, int64_t row) {
  const double error = (r.log_ratio[row] + r.energy[row]) / temperature_of(r, row);
  if (!r.frozen[row] && finite(error)) r.energy_error[row] += error * error;
}

POTLUCK_GRID void add_slope_row(const GridRows& r, double reach, int64_t row) {
  const double log_a = log_acceptance(r, row);
  const double moved = r.scratch[row], along = r.scratch[r.rows + row];
  const double slope = exp(log_a < 0 ? log_a : 0.0) * (reach * moved * along - moved * moved / 4);
  if (!r.frozen[row] && finite(log_a) && finite(slope)) r.trajectory_slope[row] += slope;
}

/// The decision of a row and the next, counted.
POTLUCK_GRID bool swaps(const GridRows& r, int64_t row) {
  if (r.frozen[row] || r.frozen[row + 1]) return false;
  const double log_a =
      (1 / temperature_of(r, row) - 1 / temperature_of(r, row + 1)) * (r.energy[row] - r.energy[row + 1]);
  ++r.swap_attempts[row];
  r.swap_acceptance[row] += exp(log_a < 0 ? log_a : 0.0);
  uint32_t c0 = 0, c1 = r.chain[row], c2 = step_of(r.step), c3 = static_cast<uint32_t>(Purpose::kSwap);
  element::philox(c0, c1, c2, c3, r.seed, r.decision_key);
  return log(element::unit_uniform(c0, c1)) < log_a;
}

template <class T>
POTLUCK_GRID void exchange_with_next(T* array, int64_t row) {
  const T here = array[row];
  array[row] = array[row + 1];
  array[row + 1] = here;
}

/// The swaps of one ladder; what stands in variables changes places in exchange().
POTLUCK_GRID void swap_ladder(const GridRows& r, bool odd, int64_t ladder) {
  const int64_t coldest = ladder * r.ladder, hottest = coldest + r.ladder - 1;
  for (int64_t row = coldest; row <= hottest; ++row) r.scratch[row] = 0;
  for (int64_t row = coldest + odd; row < hottest; row += 2) {
    if (!swaps(r, row)) continue;
    r.scratch[row] = 1;
    exchange_with_next(r.energy, row);
    for (int64_t e = 0; e < r.experts; ++e) exchange_with_next(r.expert_energy + e * r.rows, row);
    exchange_with_next(r.replica, row);
    exchange_with_next(r.has_been, row);
  }
  const auto hot = static_cast<uint8_t>(HasBeen::kHottest), cold = static_cast<uint8_t>(HasBeen::kColdest);
  r.round_trips[coldest] += r.has_been[coldest] == hot;
  r.has_been[coldest] = cold;
  if (r.has_been[hottest] == cold) r.has_been[hottest] = hot;
}

/// The kick of a row, with the sums of products() in scratch.
POTLUCK_GRID IsokineticKick kick_of_row(const GridRows& r, double time, int64_t row) {
  return isokinetic_kick_of(r.scratch[row], r.scratch[r.rows + row], r.scratch[2 * r.rows + row], r.dimension,
                            r.row_step ? time * r.row_step[row] : time, temperature_of(r, row));
}

/// 1 / |v|, likewise.
POTLUCK_GRID double inverse_length_of_row(const GridRows& r, int64_t row) {
  return 1 / sqrt(r.scratch[2 * r.rows + row]);
}

}  // namespace potluck::cuda
