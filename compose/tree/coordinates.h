// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "compose/tree/tree.h"

namespace potluck {

/// A set of coordinates of the state: one flag for each number of each variable, variable after variable.
using CoordinateSet = std::vector<uint8_t>;

bool overlap(const CoordinateSet& a, const CoordinateSet& b);
bool contains(const CoordinateSet& all, const CoordinateSet& some);
bool is_empty(const CoordinateSet& set);
void include(CoordinateSet& set, const CoordinateSet& more);
void exclude(CoordinateSet& set, const CoordinateSet& less);

/// Which coordinates of the state the nodes of a composition read.
class Coordinates {
 public:
  explicit Coordinates(const Composition& composition);

  const Composition& composition() const { return *composition_; }
  int64_t total() const { return first_.back(); }
  int64_t first(int variable) const { return first_[static_cast<size_t>(variable)]; }
  int variable_of(int64_t coordinate) const;

  CoordinateSet none() const { return CoordinateSet(static_cast<size_t>(total()), 0); }
  /// Continuous and not held.
  CoordinateSet free() const;
  /// Whose variable's support is bounded on both sides.
  CoordinateSet bounded() const;
  /// What the node stands for a density of: what its leaves declare as drawn.
  CoordinateSet drawn(const Node& node) const;
  /// What the node is conditional on: parents of its leaves that it does not draw itself.
  CoordinateSet parents(const Node& node) const;

  /// Coordinate that element `j` of part `part` of a binding to a variable reads.
  int64_t coordinate(const Binding& binding, int64_t part, int64_t j) const;
  void add(const Binding& binding, CoordinateSet& set) const;
  /// "image", "image (392 of 784 numbers), z"
  std::string describe(const CoordinateSet& set) const;

 private:
  void collect(const Node& node, bool parents, CoordinateSet& set, std::set<const Node*>& seen) const;

  const Composition* composition_;
  std::vector<int64_t> first_;
};

/// Numbers that one row of a binding has.
int64_t size_of(const Binding& binding);

/// The nodes directly below.
std::vector<NodePointer> children(const Node& node);

}  // namespace potluck
