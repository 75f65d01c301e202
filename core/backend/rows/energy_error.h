// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/backend/group.h"
#include "core/backend/rows/gradient.h"
#include "core/backend/rows/row_numbers.h"

namespace potluck::formula {

/// What a trajectory's total energy has grown by at the proposal.
POTLUCK_ELEMENT double trajectory_error(double energy, double proposal_energy, double log_ratio) {
  return proposal_energy - energy + log_ratio;
}

/// A trajectory has diverged: Group::left (Betancourt 2017). One that is not a number is left to the decision.
/// @param error  trajectory_error()
POTLUCK_ELEMENT bool has_left(double error, double proposal_energy, double temperature) {
  return proposal_energy == INFINITY || error > kDivergence * temperature;
}

/// Sets Group::left of a row, as Piece::Kind::kWatch says.
POTLUCK_ELEMENT void watch(const RowNumbers& r, int64_t row) {
  const double error = trajectory_error(r.energy[row], r.proposal_energy[row], r.log_ratio[row]);
  if (has_left(error, r.proposal_energy[row], temperature_of(r, row))) r.left[row] = 1;
}

/// Before an unadjusted step whose kinetic changes go to log_ratio.
POTLUCK_ELEMENT void begin_energy_error(const RowNumbers& r, int64_t row) { r.log_ratio[row] = -r.energy[row]; }

/// After it: the square of its energy error, in temperatures.
POTLUCK_ELEMENT void end_energy_error(const RowNumbers& r, int64_t row) {
  const double error = (r.log_ratio[row] + r.energy[row]) / temperature_of(r, row);
  if (!r.frozen[row] && finite(error)) r.energy_error[row] += error * error;
}

}  // namespace potluck::formula
