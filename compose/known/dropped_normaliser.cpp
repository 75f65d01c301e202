// SPDX-License-Identifier: Apache-2.0
#include "compose/known/dropped_normaliser.h"

#include <fmt/format.h>

#include <set>
#include <utility>

#include "compose/tree/visit.h"

namespace potluck {

namespace {

class Finder {
 public:
  Finder(const Coordinates& coordinates, const Normaliser& normaliser)
      : coordinates_(coordinates), normaliser_(normaliser), free_(coordinates.free()) {}

  /// @param product  the one that the node is a factor of, or null
  void walk(const Node& node, const Node* product) {
    if (!seen_.insert({&node, product}).second) return;
    visit_kind(
        node,
        [&](const Leaf&) {
          if (product) look_at(node, *product);
        },
        [&](const Product& factors) {
          for (const Product::Term& term : factors.terms)
            if (term.weight > 0) walk(*term.energy, &node);
        },
        [](const Mixture&) {},  // its branches are normalised, or are left as they are by the user's word
        [](const Not&) {}, [&](const Temper& temper) { walk(*temper.energy, product); },
        // Levels are normalised given their parents, or are left as they are by the user's word.
        [&](const Hierarchy& hierarchy) {
          walk(*hierarchy.levels.front(), hierarchy.unnormalised ? product : nullptr);
        },
        [&](const Each& each) { walk(*each.energy, product); });
  }

  std::vector<std::string> warnings;

 private:
  void look_at(const Node& leaf, const Node& product) {
    CoordinateSet parents = coordinates_.parents(leaf);
    for (size_t i = 0; i < parents.size(); ++i) parents[i] = parents[i] && free_[i];
    if (is_empty(parents)) return;
    const LogNormaliser log_z = normaliser_.of(leaf);
    if (!log_z.known || !log_z.depends_on_parents()) return;
    warnings.push_back(fmt::format(
        "product '{}' leaves out log Z of '{}', which depends on {}, drawn too: it is not the joint density of '{}' "
        "and "
        "the rest. If you mean that density, use a hierarchy with '{}' below {}",
        product.name, leaf.name, coordinates_.describe(parents), leaf.name, leaf.name, coordinates_.describe(parents)));
  }

  const Coordinates& coordinates_;
  const Normaliser& normaliser_;
  CoordinateSet free_;
  std::set<std::pair<const Node*, const Node*>> seen_;
};

}  // namespace

std::vector<std::string> dropped_normalisers(const Composition& composition, const Coordinates& coordinates,
                                             const Normaliser& normaliser) {
  Finder finder(coordinates, normaliser);
  finder.walk(*composition.target, nullptr);
  return std::move(finder.warnings);
}

}  // namespace potluck
