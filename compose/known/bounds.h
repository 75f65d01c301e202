// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "compose/known/normaliser.h"

namespace potluck {

/// What is known of the range of a node's energy, for all states.
struct EnergyRange {
  double least;  ///< E >= least everywhere, or -infinity: not known
  double most;   ///< E <= most everywhere, or +infinity
  bool bounded_below_on_boxes;
  bool bounded_above_on_boxes;
};

/// Interval arithmetic over the tree, from what the models say of their least energy.
EnergyRange energy_range(const Node& node, const Experts& experts, const Normaliser& normaliser,
                         const CoordinateSet& given);

}  // namespace potluck
