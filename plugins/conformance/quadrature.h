// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <vector>

#include "plugins/conformance/probe.h"

namespace potluck::conformance {

/// Integrals of exp(-E) over the one or two drawn coordinates of `model`, all else held at row 0 of a batch.
///
/// Each coordinate is x = c + sinh(pi/2 sinh t) with c near the mode, under the trapezoidal rule in t (Takahasi & Mori
/// 1974): smooth densities converge exponentially and tails may be as heavy as Cauchy's. The rule is run with the
/// points shifted by 0, 1/4, 1/2 and 3/4 of a step; the spread of the four is the error estimate, which is honest at
/// jumps (a box) as well.
struct Quadrature {
  double log_z = 0;
  double error = INFINITY;  ///< of log_z
  struct Node {
    double x[2];
    double probability;  ///< all nodes together: 1
  };
  std::vector<Node> nodes;  ///< filled where wanted

  double mean(const std::function<double(const double* x)>& f) const;
};

Quadrature integrate(const Model& model, const Batch& held, bool with_nodes);

}  // namespace potluck::conformance
