// SPDX-License-Identifier: Apache-2.0
#include "compose/tree/with_weights.h"

#include <map>
#include <utility>
#include <variant>

namespace potluck {

namespace {

class Replacer {
 public:
  using WeightsOf = std::function<std::shared_ptr<const WeightsFile>(const Leaf&)>;

  explicit Replacer(const WeightsOf& weights_of) : weights_of_(weights_of) {}

  NodePointer replaced(const NodePointer& node) {
    if (const auto known = made_.find(node.get()); known != made_.end()) return known->second;
    auto made = std::make_shared<Node>(*node);
    std::visit([this](auto& kind) { replace_in(kind); }, made->kind);
    made_[node.get()] = made;
    return made;
  }

 private:
  void replace_in(Leaf& leaf) {
    if (auto weights = weights_of_(leaf)) leaf.weights = std::move(weights);
  }
  void replace_in(Product& product) {
    for (Product::Term& term : product.terms) term.energy = replaced(term.energy);
  }
  void replace_in(Mixture& mixture) {
    for (Mixture::Branch& branch : mixture.branches) branch.energy = replaced(branch.energy);
  }
  void replace_in(Not& negated) { negated.energy = replaced(negated.energy); }
  void replace_in(Temper& temper) { temper.energy = replaced(temper.energy); }
  void replace_in(Hierarchy& hierarchy) {
    for (NodePointer& level : hierarchy.levels) level = replaced(level);
  }
  void replace_in(Each& each) { each.energy = replaced(each.energy); }

  const WeightsOf& weights_of_;
  std::map<const Node*, NodePointer> made_;
};

}  // namespace

NodePointer with_weights(const NodePointer& node,
                         const std::function<std::shared_ptr<const WeightsFile>(const Leaf&)>& weights_of) {
  return Replacer(weights_of).replaced(node);
}

}  // namespace potluck
