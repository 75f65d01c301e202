// SPDX-License-Identifier: Apache-2.0
#include "compose/tree/tree_text.h"

#include <fmt/format.h>

#include <set>

namespace potluck {
namespace {

class TreeWriter {
 public:
  void write(const Node& node, int depth, const std::string& role) {
    std::string line(static_cast<size_t>(2 * depth + 2), ' ');
    line += node.name;
    if (!written_.insert(&node).second) {
      text_ += line + role + ", as above\n";
      return;
    }
    std::visit([&](const auto& kind) { describe(kind, line, role, depth); }, node.kind);
  }

  std::string take() { return std::move(text_); }

 private:
  void head(const std::string& line, const std::string& what, const std::string& role) {
    text_ += line + ": " + what + role + "\n";
  }

  void describe(const Leaf& leaf, const std::string& line, const std::string& role, int) {
    std::vector<std::string> inputs;
    for (size_t i = 0; i < leaf.inputs.size(); ++i)
      inputs.push_back(fmt::format("{}: {}", leaf.kind->inputs.at(i).name, leaf.inputs[i].text));
    head(line, fmt::format("{}({})", leaf.kind->name, fmt::join(inputs, ", ")), role);
  }
  void describe(const Product& product, const std::string& line, const std::string& role, int depth) {
    head(line, "product", role);
    for (const Product::Term& term : product.terms)
      write(*term.energy, depth + 1, fmt::format(", weight {}", term.weight));
  }
  void describe(const Mixture& mixture, const std::string& line, const std::string& role, int depth) {
    head(line, mixture.unnormalised ? "mixture, unnormalised" : "mixture", role);
    for (const Mixture::Branch& branch : mixture.branches)
      write(*branch.energy, depth + 1, fmt::format(", share {:.4g}", branch.weight));
  }
  void describe(const Not& negation, const std::string& line, const std::string& role, int depth) {
    const std::string ceiling = negation.ceiling
                                    ? fmt::format("ceiling {}, softness {}", *negation.ceiling, negation.softness)
                                    : std::string("no ceiling");
    head(line, fmt::format("not, strength {}, {}", negation.strength, ceiling), role);
    write(*negation.energy, depth + 1, "");
  }
  void describe(const Temper& temper, const std::string& line, const std::string& role, int depth) {
    head(line, fmt::format("temper, temperature {}", temper.temperature), role);
    write(*temper.energy, depth + 1, "");
  }
  void describe(const Hierarchy& hierarchy, const std::string& line, const std::string& role, int depth) {
    head(line, hierarchy.unnormalised ? "hierarchy, unnormalised" : "hierarchy", role);
    for (size_t level = 0; level < hierarchy.levels.size(); ++level)
      write(*hierarchy.levels[level], depth + 1, level == 0 ? ", top" : fmt::format(", level {}", level));
  }
  void describe(const Each& each, const std::string& line, const std::string& role, int depth) {
    head(line, fmt::format("each of {} parts of {}", each.parts, each.over), role);
    write(*each.energy, depth + 1, "");
  }

  std::set<const Node*> written_;
  std::string text_;
};

}  // namespace

std::string tree_text(const Node& root) {
  TreeWriter writer;
  writer.write(root, 0, "");
  return writer.take();
}

}  // namespace potluck
