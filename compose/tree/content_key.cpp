// SPDX-License-Identifier: Apache-2.0
#include "compose/tree/content_key.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "compose/tree/coordinates.h"

namespace potluck {

namespace {

bool has_parts(const Node& node) {
  if (const auto* leaf = std::get_if<Leaf>(&node.kind)) return leaf->parts > 1;
  if (std::holds_alternative<Each>(node.kind)) return false;  // its parts are its own: no each stands in another
  for (const NodePointer& child : children(node))
    if (has_parts(*child)) return true;
  return false;
}

struct FirstPart {
  void operator()(Leaf& leaf) const {
    leaf.parts = 1;
    for (Binding& binding : leaf.inputs)
      if (!binding.index.empty()) binding.index.resize(static_cast<size_t>(size_of(binding)));
  }
  void operator()(Product& product) const {
    for (Product::Term& term : product.terms) term.energy = of_one_part(term.energy);
  }
  void operator()(Mixture& mixture) const {
    for (Mixture::Branch& branch : mixture.branches) branch.energy = of_one_part(branch.energy);
  }
  void operator()(Not& negated) const { negated.energy = of_one_part(negated.energy); }
  void operator()(Temper& temper) const { temper.energy = of_one_part(temper.energy); }
  void operator()(Hierarchy& hierarchy) const {
    for (NodePointer& level : hierarchy.levels) level = of_one_part(level);
  }
  void operator()(Each&) const {}
};

/// Writes numbers with all their bits.
class ContentKey {
 public:
  ContentKey(const Composition& composition, bool supports) : composition_(composition), supports_(supports) {}

  std::string of(const Node& node) const {
    return std::visit([this](const auto& kind) { return text(kind); }, node.kind);
  }

 private:
  static std::string numbers(const std::vector<double>& values) {
    std::string text;
    for (const double value : values) text += fmt::format("{:a} ", value);
    return "[" + text + "]";
  }

  std::string text(const Binding& binding) const {
    if (binding.variable < 0) return numbers(binding.literal) + fmt::format("{}", binding.shape);
    const Variable& variable = composition_.variables[static_cast<size_t>(binding.variable)];
    std::string ends;
    if (supports_) ends = numbers({variable.least, variable.most});
    // The name is in the address of the noise.
    return fmt::format("{}{}{}{}{}", variable.name, variable.shape, ends, binding.shape, binding.index);
  }

  std::string text(const Leaf& leaf) const {
    std::string text = fmt::format("{} {} {} weights {} parts {}(", leaf.kind->name, leaf.kind->plugin_id,
                                   leaf.kind->plugin_sha256, leaf.weights ? leaf.weights->sha256 : "none", leaf.parts);
    for (const SettingValue& value : leaf.settings) {
      text += fmt::format("{}{}", value.integer, numbers(value.real));
      for (const std::string& word : value.text) text += fmt::format("{}:{}", word.size(), word);
      text += ";";
    }
    for (const Binding& input : leaf.inputs) text += this->text(input) + ";";
    return text + ")";
  }

  std::string text(const Product& product) const {
    std::string text = "product(";
    for (const Product::Term& term : product.terms) text += fmt::format("{:a} {};", term.weight, of(*term.energy));
    return text + ")";
  }

  std::string text(const Mixture& mixture) const {
    std::string text = mixture.unnormalised ? "unnormalised mixture(" : "mixture(";
    for (const Mixture::Branch& branch : mixture.branches) {
      text += fmt::format("{:a} {}", branch.weight, of(*branch.energy));
      if (branch.log_z) text += fmt::format(" log Z {:a}", *branch.log_z);
      if (branch.estimation) {
        const auto found = composition_.estimates.find(content_key_of_branch(composition_, branch));
        text += found == composition_.estimates.end() ? " log Z estimated"
                                                      : fmt::format(" log Z {:a}", found->second.log_z);
      }
      text += ";";
    }
    return text + ")";
  }

  std::string text(const Not& negated) const {
    return fmt::format("not({:a} {} {:a} {})", negated.strength, negated.ceiling ? numbers({*negated.ceiling}) : "none",
                       negated.softness, of(*negated.energy));
  }

  std::string text(const Temper& temper) const {
    return fmt::format("temper({:a} {})", temper.temperature, of(*temper.energy));
  }

  std::string text(const Hierarchy& hierarchy) const {
    std::string text = hierarchy.unnormalised ? "unnormalised hierarchy(" : "hierarchy(";
    for (const NodePointer& level : hierarchy.levels) text += of(*level) + ";";
    return text + ")";
  }

  std::string text(const Each& each) const { return fmt::format("each({} {})", each.parts, of(*each.energy)); }

  const Composition& composition_;
  bool supports_;
};

}  // namespace

NodePointer of_one_part(const NodePointer& node) {
  if (!has_parts(*node)) return node;
  auto one = std::make_shared<Node>(*node);
  std::visit(FirstPart{}, one->kind);
  return one;
}

std::string content_key_of_branch(const Composition& composition, const Mixture::Branch& branch) {
  const LogZEstimation how = branch.estimation.value_or(LogZEstimation{});
  const AnnealedOptions& annealing = how.annealing;
  return fmt::format("{} | {} particles {} repeats {} moves {} base {:a} {:a} seed {}",
                     ContentKey(composition, how.on_support).of(*of_one_part(branch.energy)),
                     how.on_support ? "support" : "natural", annealing.particles, how.repeats, annealing.moves,
                     annealing.base.mean, annealing.base.scale, annealing.seed);
}

}  // namespace potluck
