// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <set>
#include <string>
#include <tuple>
#include <unordered_map>
#include <vector>

#include "compose/file/leaves.h"
#include "compose/file/scope.h"
#include "compose/text/keys.h"
#include "compose/text/yaml.h"
#include "compose/tree/diagnostics.h"
#include "compose/tree/tree.h"

namespace potluck {

/// Builds the tree from the `energies` section and the target. What is written once and used twice in the same way
/// becomes one node.
class EnergyBuilder {
 public:
  /// @param energies  the section, or null
  EnergyBuilder(const Scope& scope, const Yaml* energies, LeafReader& leaves, Diagnostics& diagnostics);

  /// The finished composite; null after diagnostics. Call it first.
  NodePointer target(const Yaml& value);

  /// Checks the energies that the target does not use, and returns all that are closed.
  std::map<std::string, NodePointer> named();

 private:
  /// Where a node stands.
  struct Position {
    const View* over = nullptr;  ///< the view of the `each` it stands in
    std::string name;            ///< of the node: "scene", "scene.product[2]"
    std::string what;            ///< the same for messages: "energies.scene", "energies.scene.product[2]", "target"
    Place use;                   ///< where it was named last; unknown where it is written inline
    bool unused = false;         ///< no part of the target: it may stay open

    Position inside(const std::string& step) const;
  };
  /// What is written, what its inputs are bound to, and the view whose parts it stands for.
  using Use = std::tuple<const Yaml*, std::string, std::string>;

  NodePointer build(const Yaml& value, const Yaml* inputs, const Position& at);
  NodePointer build_here(const Yaml& value, const Yaml* inputs, const Position& at);
  NodePointer named_energy(const Yaml& name, const Yaml* inputs, const Position& at);
  NodePointer node(const Yaml& value, const Yaml* inputs, const Position& at);
  NodePointer leaf(const Yaml& value, const Yaml* inputs, const Position& at);
  NodePointer product(const Yaml& value, const Position& at);
  NodePointer mixture(const Yaml& value, const Position& at);
  NodePointer negation(const Yaml& value, const Position& at);
  NodePointer temper(const Yaml& value, const Position& at);
  NodePointer hierarchy(const Yaml& value, const Position& at);
  NodePointer each(const Yaml& value, const Position& at);

  /// What `energy` and `inputs` of a map name.
  NodePointer referred(const Yaml& map, const Position& at);
  /// An item of a product, mixture or hierarchy: a name, a node written inline, or a map with the keys of `section`.
  NodePointer item(const Yaml& value, Section section, const Position& at);
  const std::vector<Yaml>* items(const Yaml& node, const std::string& key, size_t least, const Position& at);
  double number(const Yaml& map, Section section, const std::string& key, double preset, const Position& at);
  /// Null, after a diagnostic, where the node is too large written out.
  NodePointer finish(Node node, const Yaml& value, const Position& at);

  const Scope& scope_;
  const Yaml* energies_;
  std::unordered_map<std::string, const Yaml*> by_name_;
  LeafReader& leaves_;
  Diagnostics& diagnostics_;
  std::map<Use, NodePointer> built_;
  std::map<const Node*, int64_t> places_;  ///< leaves below a node, each counted as often as it stands there
  int depth_ = 0;                          ///< of what is being built
  bool too_deep_ = false;                  ///< was reported
  std::vector<std::string> stack_;         ///< names that are being built
  std::set<std::string> in_cycle_;
  std::set<std::string> used_;
};

}  // namespace potluck
