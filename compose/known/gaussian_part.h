// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "compose/known/normaliser.h"
#include "compose/known/quadratic.h"

namespace potluck {

/// E(v) = v'Pv/2 - h'v + a rest that is at least -(a + b |v|) for some a and b, over all continuous coordinates of the
/// state. Where every expert says its own part the rest is at most that large too.
struct GaussianPart {
  std::vector<double> curvature;                           ///< the diagonal of P, one for each coordinate of the state
  std::vector<double> linear;                              ///< h, likewise
  std::map<std::pair<int64_t, int64_t>, double> off_axis;  ///< P beside the diagonal, at (i, j) and (j, i)
  bool of_models = false;  ///< some model says a part that is not all of its energy (Model::gaussian_part)

  /// The form over some coordinates; nothing where they are more than are solved in closed form (kMostQuadratic).
  std::optional<QuadraticForm> form(const CoordinateSet& of) const;
  /// P is positive definite over these coordinates.
  bool confines(const CoordinateSet& over) const;
};

/// Adds up, at their weights, the forms of quadratic experts and the Gaussian parts that models say of theirs. An expert
/// whose energy is bounded below, or with a weight below 0 bounded above, adds nothing. Nothing where another expert is
/// among them: `why` says which.
/// @param at  the composition whose held numbers count, of the same variables as that of `coordinates`
std::optional<GaussianPart> gaussian_part(const Node& node, const Composition& at, const Coordinates& coordinates,
                                          const Experts& experts, const Normaliser& normaliser, std::string& why);

}  // namespace potluck
