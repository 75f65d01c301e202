// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/backend/group.h"
#include "core/backend/rows/row_numbers.h"

// What Kernels::swap does to a row and the next (Swendsen & Wang 1986; Geyer 1991).

namespace potluck::formula {

/// The decision of a row and the next, counted:
///   log a = (1/T_r - 1/T_{r+1}) (E_r - E_{r+1})
POTLUCK_ELEMENT bool swaps(const RowNumbers& r, uint32_t step, int64_t row) {
  const int64_t next = row + 1;
  if (r.frozen[row] || r.frozen[next]) return false;
  const double log_a = (1 / temperature_of(r, row) - 1 / temperature_of(r, next)) * (r.energy[row] - r.energy[next]);
  ++r.swap_attempts[row];
  r.swap_acceptance[row] += probability_of(log_a);
  return log(decision_uniform(r, step, Purpose::kSwap, row)) < log_a;
}

template <class T>
POTLUCK_ELEMENT void exchange_with_next(T* array, int64_t row) {
  const T here = array[row];
  array[row] = array[row + 1];
  array[row + 1] = here;
}

/// Energies and replicas of a row and the next change places.
POTLUCK_ELEMENT void exchange_numbers(const RowNumbers& r, int64_t row) {
  exchange_with_next(r.energy, row);
  for (int64_t e = 0; e < r.experts; ++e) exchange_with_next(r.expert_energy + e * r.rows, row);
  exchange_with_next(r.replica, row);
  exchange_with_next(r.has_been, row);
}

/// After the swaps of a ladder: which end its outermost replicas are at, and a round trip that has ended.
POTLUCK_ELEMENT void count_round_trip(const RowNumbers& r, int64_t coldest) {
  const int64_t hottest = coldest + r.ladder - 1;
  const auto hot = static_cast<uint8_t>(HasBeen::kHottest), cold = static_cast<uint8_t>(HasBeen::kColdest);
  r.round_trips[coldest] += r.has_been[coldest] == hot;
  r.has_been[coldest] = cold;
  if (r.has_been[hottest] == cold) r.has_been[hottest] = hot;
}

}  // namespace potluck::formula
