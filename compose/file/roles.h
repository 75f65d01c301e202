// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "compose/tree/diagnostics.h"
#include "compose/tree/tree.h"
#include "core/variables/variable.h"

namespace potluck {

/// Which numbers of the state a node draws and which it is conditional on: [variables][n], 1 where it does. A number
/// that one expert of a node draws and another is conditional on counts as drawn.
struct Roles {
  std::vector<std::vector<uint8_t>> drawn;
  std::vector<std::vector<uint8_t>> parents;
};

Roles roles_of(const Node& node, const std::vector<Variable>& variables);

/// Which variables a node reads at all.
std::vector<uint8_t> variables_of(const Node& node, const std::vector<Variable>& variables);

/// Which numbers a level of noise blurs, which the variable `noise` has: [variables][n], 1 where a leaf that reads it
/// draws the number, for an expert at a level of noise has the law of its numbers with that noise, given what it is
/// conditional on without. Empty: none of the variable.
std::vector<std::vector<uint8_t>> numbers_under_noise(const Node& node, const std::vector<Variable>& variables,
                                                      int noise);

/// Each level must draw numbers that no level above it draws, and must not be conditional on what is drawn below it.
void check_levels(const Hierarchy& hierarchy, const std::vector<Place>& places, const std::string& what,
                  const std::vector<Variable>& variables, Diagnostics& diagnostics);

/// Branches of a mixture of normalised densities must draw the same continuous numbers, or their sum is no density.
void check_branches(const Mixture& mixture, const Place& place, const std::string& what,
                    const std::vector<Variable>& variables, Diagnostics& diagnostics);

}  // namespace potluck
