// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "compose/known/normaliser.h"
#include "compose/known/quadratic.h"

namespace potluck {

/// E(v) = v'Pv/2 - h'v + a rest that is at least -(a + b |v|) for some a and b, over all continuous coordinates of the
/// state. Where every expert says its own part the rest is at most that large too.
struct GaussianPart {
  /// What a quadratic expert adds to P beside the diagonal.
  struct Across {
    std::vector<int64_t> place;     ///< [n] coordinates
    std::vector<double> precision;  ///< [n, n], with its weight
  };
  std::vector<double> curvature;  ///< the diagonal of P, one for each coordinate of the state
  std::vector<double> linear;     ///< h, likewise
  std::vector<Across> across;     ///< of the experts that have numbers there
  bool of_models = false;         ///< some model says a part that is not all of its energy (Model::gaussian_part)

  /// The form over some coordinates; nothing where they are more than are solved in closed form (kMostQuadratic).
  std::optional<QuadraticForm> form(const CoordinateSet& of) const;
  /// P is positive definite over these coordinates.
  bool confines(const CoordinateSet& over) const;
};

/// Adds up, at their weights, the forms of quadratic experts and the Gaussian parts that models say of theirs. An
/// expert whose energy is bounded below, or with a weight below 0 bounded above, adds nothing. Nothing where another
/// expert is among them: `why` says which.
/// @param at  the composition whose held numbers count, of the same variables as that of `coordinates`
std::optional<GaussianPart> gaussian_part(const Node& node, const Composition& at, const Coordinates& coordinates,
                                          const Experts& experts, const Normaliser& normaliser, std::string& why);

}  // namespace potluck
