// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/backend/rows/row_numbers.h"

namespace potluck {

/// What an isokinetic kick does to one row: v <- kept v + added s g.
struct IsokineticKick {
  double kept = 1, added = 0;
  double kinetic = 0;  ///< T (d - 1) log(cosh delta + (e.v) sinh delta)
};

namespace formula {

/// The flow of Kernels::isokinetic_kick for a row (Robnik, De Luca, Silverstein & Seljak 2023, eq. 21), written with
/// zeta = exp(-delta) so that nothing overflows:
///   v <- (2 zeta v + (1 - zeta) (1 + zeta + c (1 - zeta)) e) / (1 + zeta^2 + c (1 - zeta^2)),  c = e.v
/// @param slope2 |s g|^2; along: s g.v; square: |v|^2, 1 but for rounding, which is taken out here.
POTLUCK_ELEMENT IsokineticKick isokinetic_kick(double slope2, double along, double square, double dimension,
                                               double time, double temperature) {
  IsokineticKick kick;
  const double slope = sqrt(slope2), speed = sqrt(square);
  if (!(slope > 0) || !(speed > 0)) return kick;  // a flat energy turns nothing; NaN is found where states are checked
  const double delta = time * slope / (temperature * (dimension - 1));
  const double zeta = exp(-delta), c = -along / (slope * speed);
  const double divisor = 1 + zeta * zeta + c * (1 - zeta * zeta);
  if (!(divisor > 0)) return kick;  // exactly uphill: an unstable fixed point
  kick.kept = 2 * zeta / (divisor * speed);
  kick.added = -(1 - zeta) * (1 + zeta + c * (1 - zeta)) / (divisor * slope);
  kick.kinetic = temperature * (dimension - 1) * (delta + log(divisor / 2));
  return kick;
}

/// That of a row for a time.
/// @param slope2, along, square  |s g|^2, s g.v and |v|^2 over all blocks
POTLUCK_ELEMENT IsokineticKick isokinetic_kick(const RowNumbers& r, double slope2, double along, double square,
                                               double time, int64_t row) {
  return isokinetic_kick(slope2, along, square, r.dimension, r.row_step ? time * r.row_step[row] : time,
                         temperature_of(r, row));
}

/// 1 / |v|
/// @param square  |v|^2 over all blocks
POTLUCK_ELEMENT double inverse_length(double square) { return 1 / sqrt(square); }

}  // namespace formula
}  // namespace potluck
