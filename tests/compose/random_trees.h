// SPDX-License-Identifier: Apache-2.0
#pragma once

// Random compositions with every node, view, literal and shared leaf, and random states of them.

#include <random>

#include "tests/compose/trees.h"

namespace potluck::testing {

using State = std::vector<std::vector<double>>;  ///< of some chains: a list of numbers for each variable

constexpr int64_t kRows = 5;

/// Variables: x [6], y [2], label of 3.
class RandomTree {
 public:
  /// @param last_kind     takes the place of gauss among the leaves
  /// @param parents_kind  takes the place of stretched
  explicit RandomTree(unsigned seed, const ModelKind& last_kind = gauss(), const ModelKind& parents_kind = stretched())
      : random_(seed), last_kind_(last_kind), parents_kind_(parents_kind) {}

  Composition make() {
    Variable label;
    label.name = "label";
    label.categories = 3;
    Composition whole = composition({interval("x", 6, -9, 9), interval("y", 2, -9, 9), label}, any_node(4, 1));
    whole.integrable = true;
    return whole;
  }

 private:
  double number(double least, double most) { return std::uniform_real_distribution<double>(least, most)(random_); }
  unsigned pick(unsigned count) { return random_() % count; }

  /// Part of x or y: `parts` rows of two numbers, which may overlap.
  Binding any_part(int64_t parts) {
    const int variable = static_cast<int>(pick(2));
    std::vector<int32_t> index;
    for (int64_t p = 0; p < parts; ++p) {
      const int32_t first = variable == 0 ? static_cast<int32_t>(pick(5)) : 0;
      index.push_back(pick(2) ? first : first + 1);
      index.push_back(pick(3) ? first + 1 : first);
    }
    return part(variable, 2, index);
  }

  NodePointer any_leaf(int64_t parts) {
    const auto one = [&](const ModelKind& kind) {
      const double mean = number(-1, 1), precision = number(0.5, 2);
      if (parts == 1 && pick(2)) return leaf(kind, {whole(0, 6)}, {std::vector<double>(6, mean), {precision}});
      return leaf(kind, {any_part(parts)}, {{mean, -mean}, {precision}}, "", parts);
    };
    Binding scale =
        parts == 1 && pick(2) ? literal({0.3}) : part(1, 1, std::vector<int32_t>(static_cast<size_t>(parts), 1));
    Binding label = {2, {}, std::vector<int32_t>(static_cast<size_t>(parts), 0), {}, "label"};
    if (parts == 1) label.index.clear();
    if (pick(2)) label = {-1, {}, {}, {1}, "1"};
    switch (pick(5)) {
      case 0:
        return leaf(quartic(), {any_part(parts)}, {}, "", parts);
      case 1:
        return leaf(parents_kind_, {any_part(parts), scale}, {}, "", parts);
      case 2:
        return leaf(labelled(), {any_part(parts), label}, {{0, 0.5, -1}}, "", parts);
      case 3:
        return one(gauss_that_overwrites());
      default:
        return one(last_kind_);
    }
  }

  NodePointer any_node(int depth, int64_t parts) {
    if (depth == 0) return any_leaf(parts);
    if (!made_.empty() && parts == 1 && pick(4) == 0) return made_[pick(static_cast<unsigned>(made_.size()))];
    NodePointer made;
    switch (pick(parts == 1 ? 7 : 5)) {
      case 0:
        made = product({{any_node(depth - 1, parts), number(0.2, 1)},
                        {any_node(depth - 1, parts), number(-0.5, 0.5)},
                        {any_node(depth - 1, parts), pick(2) ? 1.0 : 0.0}});
        break;
      case 1:
      case 2:
        made = mixture(
            {{any_node(depth - 1, parts), number(0.1, 1), {}}, {any_node(depth - 1, parts), number(0.1, 1), {}}}, true);
        break;
      case 3:
        // Over a leaf, whose lower bound is 0; strengths of any size, ceilings that bite.
        made = node("not", Not{any_leaf(parts), number(0.2, 2), number(0.5, 3), number(0.2, 2)});
        break;
      case 4:
        made = node("temper", Temper{any_node(depth - 1, parts), number(0.5, 2)});
        break;
      case 5:
        made = node("hierarchy", Hierarchy{{any_node(depth - 1, parts), any_node(depth - 1, parts)}, true});
        break;
      default:
        made = node("each", Each{any_node(depth - 1, 3), "tiles", 3});
    }
    if (parts == 1) made_.push_back(made);
    return made;
  }

  std::mt19937 random_;
  const ModelKind& last_kind_;
  const ModelKind& parents_kind_;
  std::vector<NodePointer> made_;
};

inline State any_state(std::mt19937& random, int64_t rows = kRows) {
  std::normal_distribution<double> normal;
  State state(3);
  for (int64_t i = 0; i < 6 * rows; ++i) state[0].push_back(0.7 * normal(random));
  for (int64_t i = 0; i < 2 * rows; ++i) state[1].push_back(0.7 * normal(random));
  for (int64_t i = 0; i < rows; ++i) state[2].push_back(static_cast<double>(random() % 3));
  return state;
}

inline State one_row(const State& state, int64_t row) {
  State one(3);
  for (size_t v = 0; v < 3; ++v) {
    const int64_t n = static_cast<int64_t>(state[v].size()) / kRows;
    one[v].assign(state[v].begin() + row * n, state[v].begin() + (row + 1) * n);
  }
  return one;
}

}  // namespace potluck::testing
