// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/backend/group.h"
#include "core/backend/rows/gradient.h"
#include "core/backend/rows/row_numbers.h"

// The decision of Kernels::decide on one row (Metropolis, Rosenbluth, Rosenbluth, Teller & Teller 1953).

namespace potluck::formula {

/// log a = (E(x) - E(y) - log_ratio)/T
POTLUCK_ELEMENT double log_acceptance(const RowNumbers& r, int64_t row) {
  return (r.energy[row] - r.proposal_energy[row] - r.log_ratio[row]) / temperature_of(r, row);
}

/// A proposal that is not a number comes from an overflow: its trajectory had left, or an expert is at +infinity.
POTLUCK_ELEMENT bool overflowed(const RowNumbers& r, int64_t row) {
  bool found = r.left[row] != 0;
  for (int64_t e = 0; e < r.experts; ++e) found |= r.proposal_expert_energy[e * r.rows + row] == INFINITY;
  return found;
}

/// The decision of one row, counted: acceptance, energy error, divergences, proposals that are not numbers.
POTLUCK_ELEMENT bool accepts(const RowNumbers& r, uint32_t step, int64_t row) {
  const double proposed = r.proposal_energy[row];
  if (proposed == INFINITY) {
    ++r.divergences[row];
    return false;
  }
  const double log_a = log_acceptance(r, row);
  if (log_a != log_a || !finite(proposed)) {
    ++(overflowed(r, row) ? r.divergences : r.nan_proposals)[row];
    return false;
  }
  r.divergences[row] += log_a < -kDivergence;
  const double error = log_a < -kDivergence ? -kDivergence : log_a;
  r.energy_error[row] += error * error;
  if (log_a >= 0) {  // whatever the uniform, which is below 1
    r.acceptance[row] += 1;
    return true;
  }
  r.acceptance[row] += exp(log_a);
  return log(decision_uniform(r, step, Purpose::kAcceptance, row)) < log_a;
}

}  // namespace potluck::formula
