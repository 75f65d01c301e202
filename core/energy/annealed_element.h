// SPDX-License-Identifier: Apache-2.0
#pragma once

// What annealing does to one row's energy and one coordinate's gradient: one source for loops and CUDA kernels
// (core/random/element.h).

#include "core/random/element.h"

namespace potluck::element {

// (1 - b) e_0 + b e. At the ends the other energy does not count, whatever it is.
POTLUCK_ELEMENT double annealed_energy(double base, double target, double beta) {
  if (beta == 0) return base;
  if (beta == 1) return target;
  return (1 - beta) * base + beta * target;
}

// Gradient of the same, with `of_target` = b/T and `of_base` = (1 - b)/s^2 of a base with the energy
// (x - centre)^2/(2 s^2). At b = 0 the target's gradient may be anything.
template <class Real>
POTLUCK_ELEMENT Real annealed_gradient(Real x, Real gradient, Real centre, Real of_base, Real of_target) {
  const Real base = of_base * (x - centre);
  return of_target == Real(0) ? base : fma(of_target, gradient, base);
}

}  // namespace potluck::element
