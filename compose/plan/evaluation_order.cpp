// SPDX-License-Identifier: Apache-2.0
#include "compose/plan/evaluation_order.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <tuple>

#include "compose/known/bounds.h"
#include "compose/known/quadratic.h"
#include "core/finite_in.h"

namespace potluck {

namespace {

/// A number in the file is known as well as it is written, which no one knows: to about three digits behind the point.
constexpr double kGivenLogZError = 1e-3;

/// Walks the tree from the leaves up and writes the program.
class OrderBuilder {
 public:
  /// @param options  where a plan only explains, log Z that are to be estimated need not be there yet
  OrderBuilder(const Coordinates& coordinates, const Experts& experts, const Normaliser& normaliser,
               const PlanOptions& options, EvaluationOrder& order)
      : coordinates_(coordinates),
        experts_(experts),
        normaliser_(normaliser),
        may_await_(options.only_explain),
        precision_(options.precision),
        order_(order) {}

  /// Slot of the node with `parts` rows a chain, where the coordinates in `given` are drawn above it.
  int build(const NodePointer& node, const CoordinateSet& given, int64_t parts) {
    const auto key = std::make_pair(node.get(), given);
    if (const auto found = slots_.find(key); found != slots_.end()) {
      count_again(*node);
      return found->second;
    }
    const int slot = std::visit([&](const auto& kind) { return add(kind, *node, given, parts); }, node->kind);
    slots_.emplace(key, slot);
    return slot;
  }

  std::vector<Diagnostic> wrong;

 private:
  int add(const Leaf& leaf, const Node& node, const CoordinateSet&, int64_t parts) {
    if (leaf.parts != parts)
      wrong.push_back({node.place, fmt::format("'{}' must have {} rows a chain where it stands, got {}", node.name,
                                               parts, leaf.parts)});
    check_literals(leaf, node);
    return slot_of(leaf, node.name, false);
  }

  /// Numbers in the file must be numbers of the run's precision.
  void check_literals(const Leaf& leaf, const Node& node) {
    for (size_t i = 0; i < leaf.inputs.size(); ++i) {
      if (leaf.inputs[i].variable >= 0 || leaf.kind->inputs[i].categorical) continue;
      for (const double number : leaf.inputs[i].literal)
        if (!finite_in(precision_, number))
          wrong.push_back({node.place, fmt::format("input '{}' of '{}' must have numbers of float32, got {:g}. Use "
                                                   "precision: float64",
                                                   leaf.kind->inputs[i].name, node.name, number)});
    }
  }

  int add(const Product& product, const Node&, const CoordinateSet& given, int64_t parts) {
    std::vector<Program::Term> terms;
    for (const Product::Term& term : product.terms)
      if (term.weight != 0) terms.push_back({build(term.energy, given, parts), term.weight});
    if (terms.size() == 1 && terms[0].number == 1) return terms[0].slot;
    return order_.program.add_sum(0, terms, parts);
  }

  int add(const Mixture& mixture, const Node& node, const CoordinateSet& given, int64_t parts) {
    double total = 0;
    for (const Mixture::Branch& branch : mixture.branches) total += branch.weight;
    std::vector<Program::Term> branches;
    PlannedMixture planned{&node, 0, {}};
    for (size_t i = 0; i < mixture.branches.size(); ++i) {
      const Mixture::Branch& branch = mixture.branches[i];
      if (branch.weight == 0) continue;
      int slot = build(branch.energy, given, parts);
      double number = std::log(branch.weight / total);
      planned.branches.push_back({branch.energy->name, branch.weight / total, 0});
      if (!mixture.unnormalised) {
        const LogNormaliser log_z = log_normaliser_of_branch(normaliser_, branch, given);
        if (!log_z.known)
          wrong.push_back({branch.energy->place.line > 0 ? branch.energy->place : node.place,
                           fmt::format("the normaliser of branch {} of mixture '{}' must be known, got none: {}. Write "
                                       "log_z: NUMBER {}in the branch, or unnormalised: true in the mixture, which "
                                       "says that its weights absorb the normalisers",
                                       i + 1, node.name, log_z.why(), branch.estimation ? "" : "or log_z: estimate ")});
        if (log_z.awaited && !may_await_)
          wrong.push_back({branch.log_z_place,
                           fmt::format("the normaliser of branch {} of mixture '{}' must be estimated before a plan "
                                       "that evaluates is made, got no estimate. Call estimate_log_z for it first",
                                       i + 1, node.name)});
        if (!branch.log_z)
          order_.normalisers.push_back({branch.energy.get(),
                                        branch.energy->place.line > 0 ? branch.energy->place : node.place,
                                        fmt::format("branch {} of mixture '{}'", i + 1, node.name),
                                        "log_z: NUMBER in the branch, or unnormalised: true in the mixture"});
        number -= log_z.constant;
        planned.branches.back().log_z_error = branch.log_z ? kGivenLogZError : log_z.standard_error;
        slot = with_normalisers(slot, log_z, parts);
      }
      branches.push_back({slot, number});
    }
    // A mixture of one branch is that branch, normalised.
    if (branches.size() == 1) {
      if (branches[0].number == 0) return branches[0].slot;
      return order_.program.add_sum(-branches[0].number, {{branches[0].slot, 1}}, parts);
    }
    planned.slot = order_.program.add_mixture(branches, parts);
    order_.mixtures.push_back(planned);
    return planned.slot;
  }

  int add(const Not& negated, const Node&, const CoordinateSet& given, int64_t parts) {
    if (negated.strength == 0) return order_.program.add_sum(0, {}, parts);
    const int slot = build(negated.energy, given, parts);
    if (!negated.ceiling) return order_.program.add_sum(0, {{slot, -negated.strength}}, parts);
    const double least = energy_range(*negated.energy, experts_, normaliser_, given).least;
    return order_.program.add_ceiling(slot, negated.strength, *negated.ceiling + (std::isfinite(least) ? least : 0),
                                      negated.softness);
  }

  int add(const Temper& temper, const Node&, const CoordinateSet& given, int64_t parts) {
    const int slot = build(temper.energy, given, parts);
    return temper.temperature == 1 ? slot : order_.program.add_sum(0, {{slot, 1 / temper.temperature}}, parts);
  }

  int add(const Hierarchy& hierarchy, const Node& node, const CoordinateSet& given, int64_t parts) {
    std::vector<Program::Term> terms;
    CoordinateSet above = given;
    for (const NodePointer& level : hierarchy.levels) {
      int slot = build(level, above, parts);
      if (normaliser_.wants_log_z(hierarchy, *level, above)) {
        const LogNormaliser log_z = normaliser_.of(*level, above);
        if (!log_z.known)
          wrong.push_back({level->place.line > 0 ? level->place : node.place,
                           fmt::format("the normaliser of level '{}' of hierarchy '{}' must be known as a function of "
                                       "{}, got none: {}. Write unnormalised: true in the hierarchy "
                                       "where the product of the levels as they are is meant",
                                       level->name, node.name, conditions(*level, above), log_z.why())});
        order_.normalisers.push_back({level.get(), level->place.line > 0 ? level->place : node.place,
                                      fmt::format("level '{}' of hierarchy '{}'", level->name, node.name),
                                      "unnormalised: true in the hierarchy"});
        if (normaliser_.adds_log_z(hierarchy, *level, above)) slot = with_normalisers(slot, log_z, parts);
      }
      terms.push_back({slot, 1});
      include(above, coordinates_.drawn(*level));
    }
    return order_.program.add_sum(0, terms, parts);
  }

  /// What a level is conditional on, in words.
  std::string conditions(const Node& level, const CoordinateSet& above) const {
    CoordinateSet elsewhere = coordinates_.parents(level);
    exclude(elsewhere, above);
    std::vector<double> value;
    exclude(elsewhere, held_coordinates(coordinates_, value));
    return is_empty(elsewhere) ? "what is drawn above it"
                               : "all that it is conditional on, also of " + coordinates_.describe(elsewhere);
  }

  int add(const Each& each, const Node&, const CoordinateSet& given, int64_t parts) {
    return order_.program.add_each(build(each.energy, given, parts * each.parts), each.parts);
  }

  /// E + log Z(parents)
  int with_normalisers(int slot, const LogNormaliser& log_z, int64_t parts) {
    if (!log_z.depends_on_parents()) return slot;
    std::vector<Program::Term> terms = {{slot, 1}};
    for (const Leaf* leaf : log_z.leaves) {
      int own = slot_of(*leaf, "log Z of " + leaf->kind->name, true);
      if (leaf->parts > parts) own = order_.program.add_each(own, leaf->parts / parts);
      terms.push_back({own, 1});
    }
    return order_.program.add_sum(0, terms, parts);
  }

  int slot_of(const Leaf& leaf, const std::string& name, bool normaliser) {
    for (PlannedEvaluation& evaluation : order_.evaluations)
      if (evaluation.normaliser == normaliser && same_leaf(*evaluation.leaf, leaf)) {
        ++evaluation.used;
        return evaluation.slot;
      }
    PlannedEvaluation evaluation;
    evaluation.leaf = &leaf;
    evaluation.normaliser = normaliser;
    evaluation.name = name;
    evaluation.parts = leaf.parts;
    evaluation.slot = order_.program.add_leaf(leaf.parts);
    order_.evaluations.push_back(evaluation);
    return evaluation.slot;
  }

  /// A node that is met again uses all its leaves once more.
  void count_again(const Node& node) {
    if (const auto* leaf = std::get_if<Leaf>(&node.kind))
      for (PlannedEvaluation& evaluation : order_.evaluations)
        if (!evaluation.normaliser && same_leaf(*evaluation.leaf, *leaf)) ++evaluation.used;
    for (const NodePointer& child : children(node)) count_again(*child);
  }

  const Coordinates& coordinates_;
  const Experts& experts_;
  const Normaliser& normaliser_;
  const bool may_await_;
  const Precision precision_;
  EvaluationOrder& order_;
  std::map<std::pair<const Node*, CoordinateSet>, int> slots_;
};

/// Literals, repeated row by row in the type that the model reads. Inputs of several leaves that have the same numbers
/// share them.
class Literals {
 public:
  Literals(const Arithmetic& arithmetic, const PlanOptions& options) : arithmetic_(arithmetic), options_(options) {}

  /// How many rows a call of the model may have, so that no literal of it takes more memory than is wanted.
  int64_t rows_of_a_call(const PlannedEvaluation& evaluation) const {
    int64_t rows = options_.most_rows * evaluation.parts;
    for (size_t i = 0; i < evaluation.leaf->inputs.size(); ++i) {
      const Binding& binding = evaluation.leaf->inputs[i];
      if (binding.variable >= 0 || binding.literal.empty()) continue;
      const int64_t bytes = size_of(binding) * width(evaluation.leaf->kind->inputs[i].categorical);
      // By sixteens, so that rows of any type and width begin at multiples of 64 bytes.
      rows = std::min(rows, std::max<int64_t>(16, options_.most_literal_bytes / bytes / 16 * 16));
    }
    return rows;
  }

  std::shared_ptr<const void> repeated(const std::vector<double>& literal, bool categorical, int64_t rows) {
    std::shared_ptr<const void>& kept = kept_[{literal, categorical, rows}];
    if (kept) return kept;
    if (categorical)
      kept = repeated<int64_t>(literal, rows);
    else if (options_.precision == Precision::kFloat32)
      kept = repeated<float>(literal, rows);
    else
      kept = repeated<double>(literal, rows);
    return kept;
  }

 private:
  int64_t width(bool categorical) const { return categorical ? 8 : static_cast<int64_t>(bytes_of(options_.precision)); }

  template <class T>
  std::shared_ptr<const void> repeated(const std::vector<double>& literal, int64_t rows) const {
    std::vector<T> all;
    all.reserve(literal.size() * static_cast<size_t>(rows));
    for (int64_t row = 0; row < rows; ++row)
      for (const double number : literal) all.push_back(static_cast<T>(number));
    return arithmetic_.keep(all.data(), all.size() * sizeof(T));
  }

  const Arithmetic& arithmetic_;
  const PlanOptions& options_;
  std::map<std::tuple<std::vector<double>, bool, int64_t>, std::shared_ptr<const void>> kept_;
};

PlannedInput planned_input(const PlannedEvaluation& evaluation, size_t i, const Composition& composition,
                           Literals& literals) {
  const Binding& binding = evaluation.leaf->inputs[i];
  const InputDescription& declared = evaluation.leaf->kind->inputs[i];
  PlannedInput input;
  input.variable = binding.variable;
  input.size = size_of(binding);
  input.categorical = declared.categorical;
  input.asked = !binding.left_out && (!evaluation.normaliser || declared.parent);
  if (!input.asked) return input;
  if (binding.variable < 0) {
    input.literal = literals.repeated(binding.literal, declared.categorical, evaluation.rows_of_a_call);
    return input;
  }
  const int64_t size = composition.variables[static_cast<size_t>(binding.variable)].size();
  input.whole = binding.index.empty();
  if (!input.whole) input.elements = read_elements(binding.index, input.size);
  // A view of everything in order is the variable itself.
  if (!input.whole && evaluation.parts == 1 && input.size == size && input.elements.runs.size() == 1)
    input.whole = true;
  return input;
}

/// Whether the gradients can go straight to the variables: every one is a whole variable, and none is read twice.
bool whole_gradients(const PlannedEvaluation& evaluation) {
  std::vector<int> variables;
  for (const PlannedInput& input : evaluation.inputs) {
    if (!input.has_gradient()) continue;
    if (!input.whole || std::find(variables.begin(), variables.end(), input.variable) != variables.end()) return false;
    variables.push_back(input.variable);
  }
  return evaluation.parts == 1;
}

void choose_ways(EvaluationOrder& order, const Experts& experts, const Arithmetic& arithmetic, int64_t most_rows) {
  for (PlannedEvaluation& evaluation : order.evaluations) {
    evaluation.constant_rate = order.program.rate_is_constant(evaluation.slot);
    evaluation.rate = order.program.constant_rate(evaluation.slot);
    evaluation.direct = evaluation.constant_rate && whole_gradients(evaluation) &&
                        experts.model(*evaluation.leaf).can(POTLUCK_CAN_ACCUMULATE);
    if (!evaluation.direct || evaluation.rate == 1) continue;
    const std::vector<double> weights(static_cast<size_t>(most_rows), evaluation.rate);
    const auto kept = arithmetic.keep(weights.data(), weights.size() * sizeof(double));
    evaluation.row_weight = {kept, static_cast<const double*>(kept.get())};
  }
  // One model that cannot accumulate may still be the first to write.
  const auto first =
      std::find_if(order.evaluations.begin(), order.evaluations.end(), [&](const PlannedEvaluation& evaluation) {
        return evaluation.constant_rate && evaluation.rate == 1 && !evaluation.direct && whole_gradients(evaluation);
      });
  if (first == order.evaluations.end()) return;
  first->direct = true;
  std::rotate(order.evaluations.begin(), first, first + 1);
}

int64_t rounded_up(int64_t bytes) { return (bytes + 7) / 8 * 8; }

/// Program, then gathered inputs (one evaluation at a time), then gradients that are added at once, then the gradients
/// of nonlinear evaluations, which wait for the program.
void lay_out(EvaluationOrder& order, Precision precision) {
  const int64_t width = static_cast<int64_t>(bytes_of(precision));
  int64_t at = order.program.doubles_a_chain() * static_cast<int64_t>(sizeof(double));
  int64_t gathered = 0, linear = 0;
  for (PlannedEvaluation& evaluation : order.evaluations) {
    int64_t own_gathered = 0, own_gradients = 0;
    for (const PlannedInput& input : evaluation.inputs) {
      if (!input.whole && input.variable >= 0 && input.asked)
        own_gathered += rounded_up(evaluation.parts * input.size * (input.categorical ? 8 : width));
      if (input.has_gradient() && !evaluation.direct)
        own_gradients += rounded_up(evaluation.parts * input.size * width);
    }
    evaluation.gathered = at;
    gathered = std::max(gathered, own_gathered);
    if (evaluation.constant_rate) linear = std::max(linear, own_gradients);
  }
  at += gathered;
  for (PlannedEvaluation& evaluation : order.evaluations) evaluation.gradients = at;
  at += linear;
  for (PlannedEvaluation& evaluation : order.evaluations) {
    if (evaluation.constant_rate) continue;
    evaluation.gradients = at;
    for (const PlannedInput& input : evaluation.inputs)
      if (input.has_gradient()) at += rounded_up(evaluation.parts * input.size * width);
  }
  order.bytes_a_chain = at;
}

}  // namespace

EvaluationOrder make_evaluation_order(const Composition& composition, const Coordinates& coordinates,
                                      const Experts& experts, const Normaliser& normaliser,
                                      const Arithmetic& arithmetic, const PlanOptions& options) {
  EvaluationOrder order;
  OrderBuilder builder(coordinates, experts, normaliser, options, order);
  const int root = builder.build(composition.target, coordinates.none(), 1);
  if (!builder.wrong.empty()) throw CompositionError(std::move(builder.wrong));
  order.program.finish(root);
  Literals literals(arithmetic, options);
  for (PlannedEvaluation& evaluation : order.evaluations) {
    evaluation.rows_of_a_call = literals.rows_of_a_call(evaluation);
    for (size_t i = 0; i < evaluation.leaf->inputs.size(); ++i)
      evaluation.inputs.push_back(planned_input(evaluation, i, composition, literals));
    evaluation.expert = -1;
    if (evaluation.normaliser) continue;
    evaluation.expert = static_cast<int>(order.experts.size());
    const auto same =
        std::count_if(order.evaluations.begin(), order.evaluations.end(),
                      [&](const PlannedEvaluation& e) { return !e.normaliser && e.name == evaluation.name; });
    std::string name = evaluation.name;
    if (same > 1) {
      std::string inputs;
      for (const Binding& binding : evaluation.leaf->inputs)
        if (!binding.left_out) inputs += (inputs.empty() ? "" : ", ") + binding.text;
      name += "(" + inputs + ")";
    }
    order.experts.push_back(name);
  }
  choose_ways(order, experts, arithmetic, options.most_rows);
  lay_out(order, options.precision);
  return order;
}

}  // namespace potluck
