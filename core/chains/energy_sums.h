// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace potluck {

/// The layout of Group::energy_sums, [energy_sum_count(experts), stride] with a column for each chain: what its energy
/// E and those of its experts E_e add up to over steps, as distances from references near them, so that squares of
/// large energies lose nothing.
///
///   0      r, E when the sums began       3 + 4 e  r_e, E_e when the sums began
///   1      sum (E - r)                    4 + 4 e  sum (E_e - r_e)
///   2      sum (E - r)^2                  5 + 4 e  sum (E_e - r_e)^2
///                                         6 + 4 e  sum (E - r)(E_e - r_e)
constexpr int64_t energy_sum_count(int64_t experts) { return 3 + 4 * experts; }

/// One expert explains all of the energy: nothing is counted.
constexpr bool sums_energies(int64_t experts) { return experts > 1; }

}  // namespace potluck
