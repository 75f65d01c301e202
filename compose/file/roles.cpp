// SPDX-License-Identifier: Apache-2.0
#include "compose/file/roles.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "compose/tree/coordinates.h"

namespace potluck {

namespace {

using Marks = std::vector<std::vector<uint8_t>>;

Marks no_marks(const std::vector<Variable>& variables) {
  Marks marks;
  for (const Variable& variable : variables) marks.emplace_back(static_cast<size_t>(variable.size()), 0);
  return marks;
}

/// Calls `visit(leaf)` for every leaf below `node`, each once.
template <typename Visit>
void for_each_leaf(const Node& node, const Visit& visit, std::set<const Node*>& seen) {
  if (!seen.insert(&node).second) return;
  if (const auto* leaf = std::get_if<Leaf>(&node.kind)) visit(*leaf);
  for (const NodePointer& child : children(node)) for_each_leaf(*child, visit, seen);
}

template <typename Visit>
void for_each_leaf(const Node& node, const Visit& visit) {
  std::set<const Node*> seen;
  for_each_leaf(node, visit, seen);
}

/// The first number that both mark, as "variable 'z'"; nothing where there is none.
const Variable* shared(const Marks& a, const Marks& b, const std::vector<Variable>& variables) {
  for (size_t v = 0; v < variables.size(); ++v)
    for (size_t i = 0; i < a[v].size(); ++i)
      if (a[v][i] && b[v][i]) return &variables[v];
  return nullptr;
}

}  // namespace

Roles roles_of(const Node& node, const std::vector<Variable>& variables) {
  Roles roles{no_marks(variables), no_marks(variables)};
  for_each_leaf(node, [&](const Leaf& leaf) {
    for (size_t i = 0; i < leaf.inputs.size(); ++i) {
      const Binding& binding = leaf.inputs[i];
      if (binding.variable < 0) continue;
      std::vector<uint8_t>& marks =
          (leaf.kind->inputs[i].parent ? roles.parents : roles.drawn)[static_cast<size_t>(binding.variable)];
      if (binding.index.empty()) std::fill(marks.begin(), marks.end(), uint8_t{1});
      for (const int32_t element : binding.index) marks[static_cast<size_t>(element)] = 1;
    }
  });
  for (size_t v = 0; v < variables.size(); ++v)
    for (size_t i = 0; i < roles.drawn[v].size(); ++i)
      if (roles.drawn[v][i]) roles.parents[v][i] = 0;
  return roles;
}

std::vector<uint8_t> variables_of(const Node& node, const std::vector<Variable>& variables) {
  std::vector<uint8_t> read(variables.size(), 0);
  for_each_leaf(node, [&](const Leaf& leaf) {
    for (const Binding& binding : leaf.inputs)
      if (binding.variable >= 0) read[static_cast<size_t>(binding.variable)] = 1;
  });
  return read;
}

std::vector<std::vector<uint8_t>> numbers_under_noise(const Node& node, const std::vector<Variable>& variables,
                                                      int noise) {
  Marks blurred(variables.size());
  for_each_leaf(node, [&](const Leaf& leaf) {
    const bool reads = std::any_of(leaf.inputs.begin(), leaf.inputs.end(),
                                   [noise](const Binding& binding) { return binding.variable == noise; });
    for (size_t i = 0; reads && i < leaf.inputs.size(); ++i) {
      const Binding& binding = leaf.inputs[i];
      const InputDescription& input = leaf.kind->inputs[i];
      if (binding.variable < 0 || binding.variable == noise || input.parent || input.categorical) continue;
      const auto v = static_cast<size_t>(binding.variable);
      blurred[v].resize(static_cast<size_t>(variables[v].size()), 0);
      if (binding.index.empty()) std::fill(blurred[v].begin(), blurred[v].end(), uint8_t{1});
      for (const int32_t element : binding.index) blurred[v][static_cast<size_t>(element)] = 1;
    }
  });
  return blurred;
}

void check_levels(const Hierarchy& hierarchy, const std::vector<Place>& places, const std::string& what,
                  const std::vector<Variable>& variables, Diagnostics& diagnostics) {
  std::vector<Roles> roles;
  for (const NodePointer& level : hierarchy.levels) roles.push_back(roles_of(*level, variables));
  for (size_t level = 0; level < roles.size(); ++level) {
    const bool draws = std::any_of(roles[level].drawn.begin(), roles[level].drawn.end(), [](const auto& marks) {
      return std::find(marks.begin(), marks.end(), 1) != marks.end();
    });
    if (!draws)
      diagnostics.add(places[level],
                      fmt::format("{}.hierarchy[{}] must draw variables of its own, got only parents. Put it "
                                  "beside the hierarchy in a product",
                                  what, level));
    for (size_t above = 0; above < level; ++above) {
      if (const Variable* twice = shared(roles[level].drawn, roles[above].drawn, variables))
        diagnostics.add(places[level],
                        fmt::format("{}.hierarchy[{}] must draw variables that no level above draws, got '{}', which "
                                    "hierarchy[{}] draws. Multiply the two in a product instead",
                                    what, level, twice->name, above));
      if (const Variable* later = shared(roles[above].parents, roles[level].drawn, variables))
        diagnostics.add(places[above],
                        fmt::format("{}.hierarchy[{}] must be conditional on levels above it only, got '{}', which "
                                    "hierarchy[{}] draws. Put that level above",
                                    what, above, later->name, level));
    }
  }
}

void check_branches(const Mixture& mixture, const Place& place, const std::string& what,
                    const std::vector<Variable>& variables, Diagnostics& diagnostics) {
  if (mixture.unnormalised) return;
  const Roles first = roles_of(*mixture.branches[0].energy, variables);
  for (size_t i = 1; i < mixture.branches.size(); ++i) {
    const Roles other = roles_of(*mixture.branches[i].energy, variables);
    for (size_t v = 0; v < variables.size(); ++v) {
      if (variables[v].categorical() || first.drawn[v] == other.drawn[v]) continue;
      diagnostics.add(place,
                      fmt::format("{}.mixture must have branches that draw the same numbers, got different ones of "
                                  "'{}' in mixture[0] and mixture[{}]. Make each branch an energy of all of them",
                                  what, variables[v].name, i));
      return;
    }
  }
}

}  // namespace potluck
