// SPDX-License-Identifier: Apache-2.0
#include "compose/plan/mixtures.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>
#include <set>

#include "compose/known/normaliser.h"
#include "core/methods/method.h"

namespace potluck {

namespace {

/// Translates the program's slots to operators on the experts' energies. A slot of several rows a chain stands for
/// their sum, which is told by sums alone.
class Formulas {
 public:
  Formulas(const EvaluationOrder& order, Mixtures& to) : program_(order.program.tables()), to_(to) {
    value_.assign(program_.parts->size(), -1);
    for (const PlannedEvaluation& evaluation : order.evaluations)
      if (evaluation.expert >= 0) value_[static_cast<size_t>(evaluation.slot)] = evaluation.expert;
    to_.experts = static_cast<int64_t>(order.experts.size());
    for (size_t o = 0; o < program_.operators->size(); ++o)
      operator_of_[(*program_.operators)[o].result] = &(*program_.operators)[o];
    // Results come after their operands: whether a slot is told is known from the first to the last.
    told_.assign(value_.size(), false);
    for (size_t slot = 0; slot < value_.size(); ++slot) told_[slot] = value_[slot] >= 0;
    for (const ProgramOperator& op : *program_.operators) told_[static_cast<size_t>(op.result)] = is_told(op);
  }

  bool told(int slot) const { return told_[static_cast<size_t>(slot)]; }

  /// The value that a slot which is told has, with all that it needs.
  int64_t value(int slot) {
    int64_t& known = value_[static_cast<size_t>(slot)];
    if (known >= 0) return known;
    const ProgramOperator& op = *operator_of_.at(slot);
    if (op.kind == ProgramOperator::Kind::kEach) return known = value(operand(op, 0));
    EnergyOperator made;
    made.kind = op.kind == ProgramOperator::Kind::kSum       ? EnergyOperator::Kind::kSum
                : op.kind == ProgramOperator::Kind::kMixture ? EnergyOperator::Kind::kMixture
                                                             : EnergyOperator::Kind::kCeiling;
    made.constant = op.constant * static_cast<double>((*program_.parts)[static_cast<size_t>(slot)]);
    made.strength = op.strength;
    made.ceiling = op.ceiling;
    made.softness = op.softness;
    for (int32_t i = 0; i < op.operands; ++i) {
      made.operands.push_back(value(operand(op, i)));
      if (made.kind != EnergyOperator::Kind::kCeiling)
        made.numbers.push_back((*program_.number)[static_cast<size_t>(op.operand + i)]);
    }
    to_.operators.push_back(std::move(made));
    return known = to_.experts + static_cast<int64_t>(to_.operators.size()) - 1;
  }

 private:
  int operand(const ProgramOperator& op, int32_t i) const {
    return (*program_.operand)[static_cast<size_t>(op.operand + i)];
  }

  bool is_told(const ProgramOperator& op) const {
    const bool adds = op.kind == ProgramOperator::Kind::kSum || op.kind == ProgramOperator::Kind::kEach;
    if (!adds && (*program_.parts)[static_cast<size_t>(op.result)] != 1) return false;
    for (int32_t i = 0; i < op.operands; ++i)
      if (!told(operand(op, i))) return false;
    return true;
  }

  const ProgramTables program_;
  Mixtures& to_;
  std::map<int, const ProgramOperator*> operator_of_;
  std::vector<int64_t> value_;
  std::vector<bool> told_;
};

/// Where a node stands, as far as its mixtures are concerned.
struct Standing {
  int64_t mixture = -1, branch = -1;
  std::string unjudged;  ///< why the expectation is not known; empty: it is
};

class Walk {
 public:
  Walk(const Composition& composition, const Coordinates& coordinates, const EvaluationOrder& order, Mixtures& to)
      : composition_(composition), coordinates_(coordinates), order_(order), formulas_(order, to), to_(to) {
    count_uses(*composition.target);
  }

  void visit(const NodePointer& node, Standing standing) {
    if (!seen_.insert(node.get()).second) return;
    if (uses_[node.get()] > 1) standing = {-1, -1, "it stands in several places"};
    std::visit([&](const auto& kind) { go(kind, node, standing); }, node->kind);
  }

 private:
  void count_uses(const Node& node) {
    if (!counted_.insert(&node).second) return;
    for (const NodePointer& child : children(node)) {
      ++uses_[child.get()];
      count_uses(*child);
    }
  }

  void go(const Leaf&, const NodePointer&, const Standing&) {}

  void go(const Product& product, const NodePointer& node, const Standing& standing) {
    std::vector<int> readers(static_cast<size_t>(coordinates_.total()), 0);
    std::vector<CoordinateSet> reads;
    for (const Product::Term& term : product.terms) {
      reads.push_back(term.weight == 0 ? coordinates_.none() : free_reads(*term.energy));
      for (size_t i = 0; i < readers.size(); ++i) readers[i] += reads.back()[i];
    }
    for (size_t t = 0; t < product.terms.size(); ++t) {
      const Product::Term& term = product.terms[t];
      if (term.weight == 0) continue;
      Standing below = standing;
      CoordinateSet shared = reads[t];
      for (size_t i = 0; i < shared.size(); ++i) shared[i] = shared[i] != 0 && readers[i] > 1;
      if (below.unjudged.empty() && term.weight != 1)
        below.unjudged = fmt::format("it has the weight {} in '{}'", term.weight, node->name);
      if (below.unjudged.empty() && !is_empty(shared))
        below.unjudged = fmt::format("another factor of '{}' reads {} too", node->name, coordinates_.describe(shared));
      visit(term.energy, below);
    }
  }

  void go(const Mixture& mixture, const NodePointer& node, const Standing& standing) {
    const std::string unjudged = standing.unjudged.empty() ? why_unjudged(mixture, *node) : standing.unjudged;
    const auto planned = std::find_if(order_.mixtures.begin(), order_.mixtures.end(),
                                      [&](const PlannedMixture& one) { return one.node == node.get(); });
    const bool watched = planned != order_.mixtures.end() && formulas_.told(planned->slot);
    const auto own = static_cast<int64_t>(to_.mixtures.size());
    if (watched) {
      const int64_t result = formulas_.value(planned->slot) - to_.experts;
      to_.mixtures.push_back({node->name, result, planned->branches, standing.mixture, standing.branch, unjudged});
    }
    int64_t branch = -1;
    for (const Mixture::Branch& one : mixture.branches) {
      if (one.weight == 0) continue;
      ++branch;
      // One of a single branch is that branch; what a mixture that is not told holds has no share of the draws.
      const bool single = planned == order_.mixtures.end();
      if (watched)
        visit(one.energy, {own, branch, unjudged});
      else if (single)
        visit(one.energy, {standing.mixture, standing.branch, unjudged});
      else
        visit(one.energy, {-1, -1, "it stands in a mixture whose responsibilities are not known"});
    }
  }

  void go(const Not& negated, const NodePointer&, Standing standing) {
    standing.unjudged = "it is negated";
    visit(negated.energy, standing);
  }

  void go(const Temper& temper, const NodePointer& node, Standing standing) {
    if (temper.temperature != 1) standing.unjudged = fmt::format("'{}' tempers it", node->name);
    visit(temper.energy, standing);
  }

  void go(const Hierarchy& hierarchy, const NodePointer& node, Standing standing) {
    standing.unjudged = fmt::format("it is a level of '{}'", node->name);
    for (const NodePointer& level : hierarchy.levels) visit(level, standing);
  }

  void go(const Each&, const NodePointer&, const Standing&) {}

  CoordinateSet free_reads(const Node& node) const {
    CoordinateSet reads = coordinates_.drawn(node);
    include(reads, coordinates_.parents(node));
    exclude(reads, held());
    return reads;
  }

  CoordinateSet held() const {
    CoordinateSet held = coordinates_.none();
    for (size_t v = 0; v < composition_.held.size(); ++v) {
      const std::vector<uint8_t>& mask = composition_.held[v].mask;
      std::copy(mask.begin(), mask.end(), held.begin() + coordinates_.first(static_cast<int>(v)));
    }
    return held;
  }

  std::string why_unjudged(const Mixture& mixture, const Node& node) const {
    const SampleSettings& sample = composition_.sample;
    if (mixture.unnormalised) return "its weights absorb the normalisers";
    if (sample.temperature != 1) return fmt::format("the run is at T = {:g}", sample.temperature);
    if (runs_at_its_own_temperature(sample)) return "the method runs at a temperature of its own";
    const CoordinateSet drawn = coordinates_.drawn(node);
    CoordinateSet given = held();
    for (size_t i = 0; i < given.size(); ++i) given[i] = given[i] != 0 && drawn[i] != 0;
    if (!is_empty(given)) return fmt::format("{} is given", coordinates_.describe(given));
    CoordinateSet parents = coordinates_.parents(node);
    exclude(parents, held());
    if (!is_empty(parents)) return fmt::format("it is conditional on {}", coordinates_.describe(parents));
    if (!is_cut(mixture, drawn)) return "";
    return fmt::format("a support cuts {} off", coordinates_.describe(drawn));
  }

  bool is_cut(const Mixture& mixture, const CoordinateSet& drawn) const {
    bool faces = false;
    for (size_t i = 0; i < drawn.size(); ++i)
      if (drawn[i] != 0)
        faces =
            faces ||
            composition_.variables[static_cast<size_t>(coordinates_.variable_of(static_cast<int64_t>(i)))].has_face();
    if (!faces) return false;
    return !std::all_of(mixture.branches.begin(), mixture.branches.end(), [&](const Mixture::Branch& branch) {
      return branch.weight == 0 || is_truncated(coordinates_, branch);
    });
  }

  static bool runs_at_its_own_temperature(const SampleSettings& sample) {
    if (sample.blocks.empty()) return method(sample.method).own_temperature;
    return std::any_of(sample.blocks.begin(), sample.blocks.end(),
                       [](const BlockOptions& block) { return method(block.method).own_temperature; });
  }

  const Composition& composition_;
  const Coordinates& coordinates_;
  const EvaluationOrder& order_;
  Formulas formulas_;
  Mixtures& to_;
  std::map<const Node*, int> uses_;
  std::set<const Node*> counted_, seen_;
};

}  // namespace

Mixtures watched_mixtures(const Composition& composition, const Coordinates& coordinates,
                          const EvaluationOrder& order) {
  Mixtures mixtures;
  if (order.mixtures.empty()) return mixtures;
  Walk(composition, coordinates, order, mixtures).visit(composition.target, {});
  return mixtures;
}

}  // namespace potluck
