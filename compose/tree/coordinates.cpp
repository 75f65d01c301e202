// SPDX-License-Identifier: Apache-2.0
#include "compose/tree/coordinates.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>

#include "compose/tree/visit.h"

namespace potluck {

bool overlap(const CoordinateSet& a, const CoordinateSet& b) {
  for (size_t i = 0; i < a.size(); ++i)
    if (a[i] && b[i]) return true;
  return false;
}

bool contains(const CoordinateSet& all, const CoordinateSet& some) {
  for (size_t i = 0; i < all.size(); ++i)
    if (some[i] && !all[i]) return false;
  return true;
}

bool is_empty(const CoordinateSet& set) {
  return std::none_of(set.begin(), set.end(), [](uint8_t flag) { return flag != 0; });
}

void include(CoordinateSet& set, const CoordinateSet& more) {
  for (size_t i = 0; i < set.size(); ++i) set[i] |= more[i];
}

void exclude(CoordinateSet& set, const CoordinateSet& less) {
  for (size_t i = 0; i < set.size(); ++i) set[i] = set[i] && !less[i];
}

int64_t size_of(const Binding& binding) {
  return std::accumulate(binding.shape.begin(), binding.shape.end(), int64_t{1}, std::multiplies<>());
}

std::vector<NodePointer> children(const Node& node) {
  std::vector<NodePointer> below;
  const auto one = [&](const auto& kind) { below.push_back(kind.energy); };
  visit_kind(
      node, [](const Leaf&) {},
      [&](const Product& product) {
        for (const Product::Term& term : product.terms) below.push_back(term.energy);
      },
      [&](const Mixture& mixture) {
        for (const Mixture::Branch& branch : mixture.branches) below.push_back(branch.energy);
      },
      [&](const Not& negated) { one(negated); }, [&](const Temper& temper) { one(temper); },
      [&](const Hierarchy& hierarchy) { below = hierarchy.levels; }, [&](const Each& each) { one(each); });
  return below;
}

Coordinates::Coordinates(const Composition& composition) : composition_(&composition), first_{0} {
  for (const Variable& variable : composition.variables) first_.push_back(first_.back() + variable.size());
}

int Coordinates::variable_of(int64_t coordinate) const {
  return static_cast<int>(std::upper_bound(first_.begin(), first_.end(), coordinate) - first_.begin()) - 1;
}

CoordinateSet Coordinates::free() const {
  CoordinateSet set = none();
  for (size_t v = 0; v < composition_->variables.size(); ++v) {
    if (composition_->variables[v].categorical()) continue;
    const bool any = v < composition_->held.size() && composition_->held[v].any();
    for (int64_t i = first_[v]; i < first_[v + 1]; ++i)
      set[static_cast<size_t>(i)] = !any || !composition_->held[v].mask[static_cast<size_t>(i - first_[v])];
  }
  return set;
}

CoordinateSet Coordinates::bounded() const {
  CoordinateSet set = none();
  for (size_t v = 0; v < composition_->variables.size(); ++v) {
    const Variable& variable = composition_->variables[v];
    const bool both = variable.categorical() || (std::isfinite(variable.least) && std::isfinite(variable.most));
    std::fill(set.begin() + first_[v], set.begin() + first_[v + 1], both);
  }
  return set;
}

int64_t Coordinates::coordinate(const Binding& binding, int64_t part, int64_t j) const {
  const int64_t element = binding.index.empty() ? j : binding.index[static_cast<size_t>(part * size_of(binding) + j)];
  return first(binding.variable) + element;
}

void Coordinates::add(const Binding& binding, CoordinateSet& set) const {
  if (binding.variable < 0) return;
  const auto begin = set.begin() + first(binding.variable);
  if (binding.index.empty()) std::fill(begin, begin + size_of(binding), 1);
  for (const int32_t element : binding.index) begin[element] = 1;
}

void Coordinates::collect(const Node& node, bool parents_wanted, CoordinateSet& set,
                          std::set<const Node*>& seen) const {
  if (!seen.insert(&node).second) return;
  if (const auto* leaf = std::get_if<Leaf>(&node.kind))
    for (size_t i = 0; i < leaf->inputs.size(); ++i)
      if (leaf->kind->inputs[i].parent == parents_wanted) add(leaf->inputs[i], set);
  for (const NodePointer& child : children(node)) collect(*child, parents_wanted, set, seen);
}

CoordinateSet Coordinates::drawn(const Node& node) const {
  CoordinateSet set = none();
  std::set<const Node*> seen;
  collect(node, false, set, seen);
  return set;
}

CoordinateSet Coordinates::parents(const Node& node) const {
  CoordinateSet set = none();
  std::set<const Node*> seen;
  collect(node, true, set, seen);
  exclude(set, drawn(node));
  return set;
}

std::string Coordinates::describe(const CoordinateSet& set) const {
  std::string text;
  for (size_t v = 0; v < composition_->variables.size(); ++v) {
    const int64_t count =
        std::count_if(set.begin() + first_[v], set.begin() + first_[v + 1], [](uint8_t flag) { return flag != 0; });
    if (count == 0) continue;
    if (!text.empty()) text += ", ";
    const int64_t size = first_[v + 1] - first_[v];
    text += composition_->variables[v].name;
    if (count < size) text += fmt::format(" ({} of {} numbers)", count, size);
  }
  return text;
}

}  // namespace potluck
