// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>
#include <cstdint>

#include "core/random/element.h"
#include "core/random/philox.h"

namespace potluck {

/// The numbers that rows have, as those of Group with the same names, for code of host and device.
struct RowNumbers {
  int64_t rows = 0;
  int64_t experts = 0;
  double dimension = 0;
  uint32_t seed = 0, decision_key = 0;
  double temperature = 1;
  const double* row_temperature = nullptr;
  const double* row_step = nullptr;
  const uint32_t* chain = nullptr;
  uint8_t* frozen = nullptr;
  uint32_t* frozen_step = nullptr;
  double* energy = nullptr;
  double* expert_energy = nullptr;
  const double* proposal_energy = nullptr;
  const double* proposal_expert_energy = nullptr;
  double* log_ratio = nullptr;
  double* scratch = nullptr;
  uint8_t* left = nullptr;
  uint32_t* nan_proposals = nullptr;
  uint32_t* divergences = nullptr;
  double* acceptance = nullptr;
  double* energy_error = nullptr;
  double* trajectory_slope = nullptr;
  double* energy_sums = nullptr;
  int64_t energy_stride = 0;
  int64_t ladder = 1;
  uint32_t* swap_attempts = nullptr;
  double* swap_acceptance = nullptr;
  uint32_t* replica = nullptr;
  uint8_t* has_been = nullptr;
  uint32_t* round_trips = nullptr;
};

namespace formula {

POTLUCK_ELEMENT double temperature_of(const RowNumbers& r, int64_t row) {
  return r.row_temperature ? r.row_temperature[row] : r.temperature;
}

/// The factor of a row's normals where rows have step sizes and temperatures of their own: a normal of a Langevin step
/// goes with sqrt(step size x T), one of a velocity with sqrt(T).
POTLUCK_ELEMENT double noise_factor(const RowNumbers& r, bool noise_has_step, int64_t row) {
  const double step = noise_has_step ? r.row_step[row] : 1.0;
  return sqrt(step * r.row_temperature[row] / r.temperature);
}

/// The uniform in (0, 1) that decides for a row: the first of uniforms() of core/random/philox.h.
POTLUCK_ELEMENT double decision_uniform(const RowNumbers& r, uint32_t step, Purpose purpose, int64_t row) {
  uint32_t c0 = 0, c1 = r.chain[row], c2 = step, c3 = static_cast<uint32_t>(purpose);
  element::philox(c0, c1, c2, c3, r.seed, r.decision_key);
  return element::unit_uniform(c0, c1);
}

/// min(1, a); that of NaN is 1.
POTLUCK_ELEMENT double probability_of(double log_a) { return exp(log_a < 0 ? log_a : 0.0); }

}  // namespace formula
}  // namespace potluck
