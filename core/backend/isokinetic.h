// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>

#if defined(__CUDACC__)
#define POTLUCK_ROW __host__ __device__ inline
#else
#define POTLUCK_ROW inline
#endif

namespace potluck {

/// What an isokinetic kick does to one row: v <- kept v + added s g.
struct IsokineticKick {
  double kept = 1, added = 0;
  double kinetic = 0;  ///< T (d - 1) log(cosh delta + (e.v) sinh delta)
};

/// The flow of Kernels::isokinetic_kick for a row, written with zeta = exp(-delta) so that nothing overflows:
///   v <- (2 zeta v + (1 - zeta) (1 + zeta + c (1 - zeta)) e) / (1 + zeta^2 + c (1 - zeta^2)),  c = e.v
/// @param slope2 |s g|^2; along: s g.v; square: |v|^2, 1 but for rounding, which is taken out here.
POTLUCK_ROW IsokineticKick isokinetic_kick_of(double slope2, double along, double square, double dimension, double time,
                                              double temperature) {
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

}  // namespace potluck
