// SPDX-License-Identifier: Apache-2.0
#pragma once

// Random trees with leaves that are learned. All leaves of stretched_learner() in a tree are one expert.

#include "tests/compose/random_trees.h"
#include "tests/compose/small_learners.h"

namespace potluck::testing {

/// @param kind  takes the place of gauss among the leaves, as in what is made of the tree below
inline Composition random_learners(const ModelKind& kind, unsigned seed) {
  return RandomTree(seed, kind, stretched_learner()).make();
}

/// The tree times a level of a hierarchy whose normaliser depends on the state, beside another tree in a mixture:
/// variables as those of the tree, and u [2].
inline Composition above_a_normaliser(const ModelKind& kind, unsigned seed) {
  Composition tree = random_learners(kind, seed);
  tree.variables.push_back(real_line("u", 2));
  tree.held.resize(4);
  const NodePointer below = leaf(stretched(), {whole(3, 2), part(1, 1, {0})}, {}, "below");
  const NodePointer levels = product({{tree.target, 1}, {node("levels", Hierarchy{{below}, false}), 1}});
  const NodePointer beside = random_learners(kind, seed + 500).target;
  tree.target = mixture({{levels, 0.3, 0.5}, {product({{beside, 1}, {normal(3, {0, 0}, {1}), 1}}), 0.7, 0.1}});
  return tree;
}

/// The tree in a mixture with an expert that reads how much noise there is: variables as those of the tree, and a
/// number "noise".
inline Composition beside_noise(const ModelKind& kind, unsigned seed) {
  Composition tree = random_learners(kind, seed);
  tree.variables.push_back(interval("noise", 1, 0, 9));
  tree.held.resize(4);
  const NodePointer reader = leaf(stretched_learner(), {whole(0, 6), part(3, 1, {0})}, {}, "reader");
  tree.target = product({{mixture({{tree.target, 0.6}, {reader, 0.4}}, true), 1}, {reader, 0.25}});
  return tree;
}

}  // namespace potluck::testing
