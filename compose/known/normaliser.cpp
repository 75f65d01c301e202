// SPDX-License-Identifier: Apache-2.0
#include "compose/known/normaliser.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>

#include "compose/experts/kept_log_z.h"
#include "compose/experts/leaf_row.h"
#include "compose/known/quadratic.h"
#include "compose/tree/content_key.h"
#include "compose/tree/visit.h"

namespace potluck {

bool draws_twice(const Coordinates& coordinates, const Leaf& leaf, bool across_parts) {
  CoordinateSet seen = coordinates.none();
  for (int64_t part = 0; part < leaf.parts; ++part) {
    if (part > 0 && !across_parts) seen = coordinates.none();
    for (size_t i = 0; i < leaf.inputs.size(); ++i) {
      const Binding& binding = leaf.inputs[i];
      if (leaf.kind->inputs[i].parent || binding.variable < 0) continue;
      for (int64_t j = 0; j < size_of(binding); ++j) {
        uint8_t& flag = seen[static_cast<size_t>(coordinates.coordinate(binding, part, j))];
        if (flag) return true;
        flag = 1;
      }
    }
  }
  return false;
}

namespace {

LogNormaliser unknown(std::string why) {
  LogNormaliser log_z;
  log_z.how = std::move(why);
  return log_z;
}

LogNormaliser known(double constant, std::string how) {
  LogNormaliser log_z;
  log_z.known = true;
  log_z.constant = constant;
  log_z.how = std::move(how);
  return log_z;
}

bool any_draws_twice(const Coordinates& coordinates, const Node& node) {
  if (const auto* leaf = std::get_if<Leaf>(&node.kind)) return draws_twice(coordinates, *leaf, true);
  for (const NodePointer& child : children(node))
    if (any_draws_twice(coordinates, *child)) return true;
  return false;
}

bool reads_label(const Node& node) {
  if (const auto* leaf = std::get_if<Leaf>(&node.kind))
    for (size_t i = 0; i < leaf->inputs.size(); ++i)
      if (leaf->kind->inputs[i].categorical && leaf->inputs[i].variable >= 0) return true;
  for (const NodePointer& child : children(node))
    if (reads_label(*child)) return true;
  return false;
}

}  // namespace

LogNormaliser Normaliser::of(const Node& node, const CoordinateSet& given) const {
  const auto key = std::make_pair(&node, given);
  if (const auto kept = known_.find(key); kept != known_.end()) return kept->second;
  return known_[key] = found(node, given);
}

LogNormaliser Normaliser::found(const Node& node, const CoordinateSet& given) const {
  LogNormaliser result = by_rule(node, given);
  if (result.known && (!result.depends_on_parents() || reads_label(node))) return result;
  LogNormaliser closed = in_closed_form(node, given);
  if (closed.known || result.known) return closed.known ? closed : result;
  result.not_closed = closed.how;  // of this node: those below have been tried
  return result;
}

bool Normaliser::wants_log_z(const Hierarchy& hierarchy, const Node& level, const CoordinateSet& above) const {
  if (hierarchy.unnormalised) return false;
  CoordinateSet parents = coordinates_->parents(level);
  CoordinateSet touched = coordinates_->drawn(level);
  include(touched, parents);
  if (overlap(touched, above)) return true;
  std::vector<double> value;
  exclude(parents, held_coordinates(*coordinates_, value));
  return !is_empty(parents);
}

bool Normaliser::adds_log_z(const Hierarchy& hierarchy, const Node& level, const CoordinateSet& above) const {
  return wants_log_z(hierarchy, level, above) && of(level, above).depends_on_parents();
}

LogNormaliser Normaliser::in_closed_form(const Node& node, const CoordinateSet& given) const {
  std::string why;
  const auto form = quadratic_form(node, *coordinates_, *experts_, *this, given, why);
  if (!form) return unknown(why);
  CoordinateSet drawn = coordinates_->drawn(node);
  exclude(drawn, given);
  const auto rest = integrated(*form, drawn);
  if (!rest) return unknown(fmt::format("the precision of '{}' is not positive definite", node.name));
  // Over the parents -log Z is quadratic again; for a normalised conditional it is constant up to rounding.
  const double scale = form->size() > 0 ? form->precision.cwiseAbs().maxCoeff() : 0;
  const double linear_scale = scale + (form->size() > 0 ? form->linear.cwiseAbs().maxCoeff() : 0);
  const bool constant = rest->size() == 0 || (rest->precision.cwiseAbs().maxCoeff() <= 1e-9 * scale &&
                                              rest->linear.cwiseAbs().maxCoeff() <= 1e-9 * linear_scale);
  if (!constant)
    return unknown(fmt::format(
        "log Z of '{}' is not the same for all parents, and its model does not say it as their function", node.name));
  return known(-rest->constant, "quadratic, in closed form");
}

LogNormaliser Normaliser::by_rule(const Node& node, const CoordinateSet& given) const {
  return visit_kind(
      node, [&](const Leaf& leaf) { return of_leaf(node, leaf, given); },
      [&](const Product& product) {
        std::vector<NodePointer> factors;
        for (const Product::Term& term : product.terms) {
          if (term.weight != 0 && term.weight != 1)
            return unknown(fmt::format("'{}' is a product with a weight of {}", node.name, term.weight));
          if (term.weight == 1) factors.push_back(term.energy);
        }
        return of_product(factors, given, node.name);
      },
      [&](const Mixture& mixture) { return of_mixture(mixture, given); },
      [&](const Not&) { return unknown(fmt::format("'{}' is a negation", node.name)); },
      [&](const Temper& temper) {
        if (temper.temperature == 1) return of(*temper.energy, given);
        return unknown(fmt::format("'{}' is tempered", node.name));
      },
      [&](const Hierarchy& hierarchy) { return of_hierarchy(hierarchy, given); },
      [&](const Each& each) { return of_each(each, given); });
}

LogNormaliser Normaliser::of_leaf(const Node& node, const Leaf& leaf, const CoordinateSet& given) const {
  const std::string model = "model '" + leaf.kind->name + "'";
  for (size_t i = 0; i < leaf.inputs.size(); ++i)
    if (!leaf.kind->inputs[i].parent && leaf.inputs[i].variable < 0 && !leaf.inputs[i].left_out)
      return unknown(fmt::format("the drawn input '{}' of {} is the literal {}", leaf.kind->inputs[i].name, model,
                                 leaf.inputs[i].text));
  if (overlap(coordinates_->drawn(node), given))
    return unknown(fmt::format("'{}' draws what is drawn above it", node.name));
  if (draws_twice(*coordinates_, leaf, false)) return unknown(fmt::format("'{}' reads a number twice", node.name));
  const Model* reading = experts_->on_cpu(leaf);
  if (!reading) return unknown(model + " does not run on the cpu, where it is asked");
  LeafRow row(coordinates_->composition(), *reading, leaf);
  double log_z = 0;
  if (!row.log_normaliser(log_z)) return unknown(model + " does not say it");
  LogNormaliser result = known(log_z, model + " says it");
  if (row.parents_in_state()) {
    result.constant = 0;
    result.leaves.push_back(&leaf);
    result.how += " as a function of its parents";
  }
  return result;
}

LogNormaliser Normaliser::of_product(const std::vector<NodePointer>& factors, const CoordinateSet& given,
                                     const std::string& what) const {
  LogNormaliser sum = known(0, "the sum of its factors' (" + what + ")");
  CoordinateSet drawn = coordinates_->none();
  for (const NodePointer& factor : factors) {
    const CoordinateSet own = coordinates_->drawn(*factor);
    if (overlap(own, drawn)) return unknown(fmt::format("factors of '{}' draw the same variables", what));
    include(drawn, own);
  }
  // Factors may be conditional on one another, but not in a circle: then they are the factors of one joint density.
  std::vector<NodePointer> waiting = factors;
  CoordinateSet pending = drawn;
  while (!waiting.empty()) {
    const auto ready = std::find_if(waiting.begin(), waiting.end(), [&](const NodePointer& factor) {
      return !overlap(coordinates_->parents(*factor), pending);
    });
    if (ready == waiting.end()) return unknown(fmt::format("factors of '{}' are conditional on one another", what));
    exclude(pending, coordinates_->drawn(**ready));
    waiting.erase(ready);
  }
  for (const NodePointer& factor : factors) {
    LogNormaliser own = of(*factor, given);
    if (!own.known) return own;
    for (const Leaf* leaf : own.leaves)
      for (size_t i = 0; i < leaf->inputs.size(); ++i) {
        CoordinateSet parent = coordinates_->none();
        coordinates_->add(leaf->inputs[i], parent);
        if (leaf->kind->inputs[i].parent && overlap(parent, drawn))
          return unknown(fmt::format("the normaliser of '{}' depends on {}, which '{}' draws too", factor->name,
                                     coordinates_->describe(parent), what));
      }
    sum.constant += own.constant;
    sum.leaves.insert(sum.leaves.end(), own.leaves.begin(), own.leaves.end());
  }
  if (factors.size() == 1) sum.how = of(*factors[0], given).how;
  return sum;
}

LogNormaliser Normaliser::of_mixture(const Mixture& mixture, const CoordinateSet& given) const {
  CoordinateSet first;
  double total = 0, sum = 0;
  bool exceeds = false;
  for (const Mixture::Branch& branch : mixture.branches) total += branch.weight;
  for (const Mixture::Branch& branch : mixture.branches) {
    if (branch.weight == 0) continue;
    CoordinateSet drawn = coordinates_->drawn(*branch.energy);
    exclude(drawn, given);
    if (!first.empty() && drawn != first)
      return unknown("its branches draw different variables: " + coordinates_->describe(first) + "; " +
                     coordinates_->describe(drawn));
    first = drawn;
    LogNormaliser own = log_normaliser_of_branch(*this, branch, given);
    if (!own.known) return own;
    if (is_truncated(*coordinates_, branch))
      return unknown(fmt::format("its branch '{}' is normalised on its support", branch.energy->name));
    if (mixture.unnormalised && own.depends_on_parents())
      return unknown("it is an unnormalised mixture whose branches depend on parents");
    exceeds = exceeds || own.excess != 0;
    sum += branch.weight / total * std::exp(mixture.unnormalised ? own.constant : own.excess);
  }
  if (mixture.unnormalised) return known(std::log(sum), "the sum of its branches'");
  if (exceeds) return known(std::log(sum), "the sum of its branches', of which the file gives another log Z");
  return known(0, "a mixture of normalised branches");
}

LogNormaliser Normaliser::of_hierarchy(const Hierarchy& hierarchy, const CoordinateSet& given) const {
  LogNormaliser sum = known(0, "the sum of its levels'");
  CoordinateSet above = given;
  for (const NodePointer& level : hierarchy.levels) {
    LogNormaliser own = of(*level, above);
    if (!own.known) return own;
    if (own.depends_on_parents() && hierarchy.unnormalised && level != hierarchy.levels.front())
      return unknown("it is an unnormalised hierarchy whose levels' normalisers depend on their parents");
    // What the hierarchy adds to its energy is gone from its own log Z; the constant is never added.
    if (!adds_log_z(hierarchy, *level, above))
      sum.leaves.insert(sum.leaves.end(), own.leaves.begin(), own.leaves.end());
    sum.constant += own.constant;
    include(above, coordinates_->drawn(*level));
  }
  return sum;
}

LogNormaliser Normaliser::of_each(const Each& each, const CoordinateSet& given) const {
  LogNormaliser own = of(*each.energy, given);
  if (!own.known) return own;
  if (any_draws_twice(*coordinates_, *each.energy)) return unknown("parts of '" + each.over + "' overlap");
  own.constant *= static_cast<double>(each.parts);
  own.how += fmt::format(", {} times", each.parts);
  return own;
}

namespace {

/// Of a branch whose log Z is not known: the estimate that its weights keep, which is of all that it draws.
LogNormaliser kept_with_weights(const Coordinates& coordinates, const Mixture::Branch& branch,
                                const CoordinateSet& given, LogNormaliser unknown) {
  if (overlap(coordinates.drawn(*branch.energy), given)) return unknown;
  const auto kept = find_kept_log_z(coordinates.composition(), *branch.energy, &unknown.not_kept);
  if (!kept) return unknown;
  const std::string& path = std::get<Leaf>(branch.energy->kind).weights->path;
  LogNormaliser log_z =
      known(kept->value, fmt::format("an estimate that {} keeps, at {}",
                                     std::filesystem::path(path).filename().string(), kept->given_text()));
  log_z.estimated = true;
  log_z.standard_error = kept->standard_error;
  log_z.kept_in = path;
  return log_z;
}

/// Of a branch that nobody knows log Z of.
LogNormaliser estimate_of_branch(const Coordinates& coordinates, const Mixture::Branch& branch,
                                 const CoordinateSet& given) {
  const CoordinateSet drawn = coordinates.drawn(*branch.energy);
  CoordinateSet parents = coordinates.parents(*branch.energy);
  for (size_t i = 0; i < parents.size(); ++i) parents[i] = parents[i] || (drawn[i] && given[i]);
  if (!is_empty(parents))
    return kept_with_weights(
        coordinates, branch, given,
        unknown(fmt::format("log Z of '{}' depends on {}, and one number is all that can be estimated",
                            branch.energy->name, coordinates.describe(parents))));
  const std::string where = is_truncated(coordinates, branch) ? " on the support" : "";
  const auto& estimates = coordinates.composition().estimates;
  const auto found = estimates.find(content_key_of_branch(coordinates.composition(), branch));
  if (found == estimates.end()) {
    LogNormaliser log_z = known(0, "to be estimated" + where + " by annealing");
    log_z.estimated = log_z.awaited = true;
    return log_z;
  }
  LogNormaliser log_z = known(found->second.log_z, "estimated" + where + " by annealing");
  log_z.estimated = true;
  log_z.standard_error = found->second.standard_error;
  return log_z;
}

}  // namespace

bool is_truncated(const Coordinates& coordinates, const Mixture::Branch& branch) {
  if (!branch.estimation || !branch.estimation->on_support) return false;
  const CoordinateSet drawn = coordinates.drawn(*branch.energy);
  for (size_t v = 0; v < coordinates.composition().variables.size(); ++v) {
    const auto begin = drawn.begin() + coordinates.first(static_cast<int>(v));
    const auto end = drawn.begin() + coordinates.first(static_cast<int>(v) + 1);
    if (coordinates.composition().variables[v].has_face() && std::find(begin, end, 1) != end) return true;
  }
  return false;
}

LogNormaliser log_normaliser_of_branch(const Normaliser& normaliser, const Mixture::Branch& branch,
                                       const CoordinateSet& given) {
  LogNormaliser log_z;
  if (branch.estimation) {
    if (!is_truncated(normaliser.coordinates(), branch)) {
      LogNormaliser computed = normaliser.of(*branch.energy, given);
      if (computed.known) return computed;
    }
    return estimate_of_branch(normaliser.coordinates(), branch, given);
  }
  if (branch.log_z) {
    log_z = known(*branch.log_z, "given in the file");
    const LogNormaliser computed = normaliser.of(*branch.energy, given);
    if (computed.known && !computed.depends_on_parents() &&
        std::abs(computed.constant - *branch.log_z) > 1e-6 * (1 + std::abs(computed.constant))) {
      log_z.how += fmt::format(", although it is {:.6g} ({})", computed.constant, computed.how);
      log_z.excess = computed.constant - *branch.log_z;
    }
    return log_z;
  }
  log_z = normaliser.of(*branch.energy, given);
  return log_z.known ? log_z : kept_with_weights(normaliser.coordinates(), branch, given, log_z);
}

}  // namespace potluck
