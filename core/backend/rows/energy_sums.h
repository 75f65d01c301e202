// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/backend/rows/row_numbers.h"

// What a row's energies add to Group::energy_sums, whose layout core/chains/energy_sums.h has.

namespace potluck::formula {

/// The numbers of all rows in one line of energy_sums.
POTLUCK_ELEMENT double* energy_line(const RowNumbers& r, int64_t line) {
  return r.energy_sums + line * r.energy_stride;
}

/// The first line of an expert.
POTLUCK_ELEMENT int64_t lines_of_expert(int64_t expert) { return 3 + 4 * expert; }

/// @param apart  an energy's distance from its reference
POTLUCK_ELEMENT void add_energy(double apart, double& sum, double& squares) {
  sum += apart;
  squares += apart * apart;
}

/// The same of an expert, whose line of products goes with the whole energy's distance.
POTLUCK_ELEMENT void add_expert_energy(double own_apart, double apart, double& sum, double& squares, double& products) {
  add_energy(own_apart, sum, squares);
  products += apart * own_apart;
}

/// All energies of a row that moves, as they stand after a step.
POTLUCK_ELEMENT void add_energies(const RowNumbers& r, int64_t row) {
  if (!r.energy_sums) return;
  const double apart = r.energy[row] - energy_line(r, 0)[row];
  add_energy(apart, energy_line(r, 1)[row], energy_line(r, 2)[row]);
  for (int64_t e = 0; e < r.experts; ++e) {
    const int64_t own = lines_of_expert(e);
    const double own_apart = r.expert_energy[e * r.rows + row] - energy_line(r, own)[row];
    add_expert_energy(own_apart, apart, energy_line(r, own + 1)[row], energy_line(r, own + 2)[row],
                      energy_line(r, own + 3)[row]);
  }
}

}  // namespace potluck::formula
