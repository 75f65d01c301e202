// SPDX-License-Identifier: Apache-2.0
#include "compose/training/composed_likelihood.h"

#include <fmt/format.h>

#include <Eigen/Cholesky>
#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "compose/experts/leaf_row.h"
#include "compose/known/quadratic.h"
#include "compose/plan/parameter_store.h"
#include "compose/tree/visit.h"

namespace potluck {

namespace {

constexpr int64_t kPieceRows = 512;  ///< of statistics that are summed together
constexpr const char* kElse = "Take another objective, such as noise_contrastive or contrastive_divergence";

/// Leaves whose energies add up to the node's; false where they do not.
bool collect_factors(const NodePointer& node, std::vector<NodePointer>& factors) {
  const auto all = [&](const std::vector<NodePointer>& nodes) {
    return std::all_of(nodes.begin(), nodes.end(),
                       [&](const NodePointer& one) { return collect_factors(one, factors); });
  };
  return visit_kind(
      *node,
      [&](const Leaf&) {
        factors.push_back(node);
        return true;
      },
      [&](const Product& product) {
        return std::all_of(product.terms.begin(), product.terms.end(), [&](const Product::Term& term) {
          return term.weight == 0 || (term.weight == 1 && collect_factors(term.energy, factors));
        });
      },
      [&](const Mixture&) { return false; }, [&](const Not&) { return false; }, [&](const Temper&) { return false; },
      [&](const Hierarchy& hierarchy) { return all(hierarchy.levels); },
      [&](const Each& each) { return collect_factors(each.energy, factors); });
}

const Leaf& leaf_of(const NodePointer& node) { return std::get<Leaf>(node->kind); }

/// The leaves of a target that is the product of their densities: they draw different variables, are not conditional on
/// one another in a circle, and log Z of each is the same for all parents. Empty where it is not so.
std::vector<NodePointer> factors_of(const KnownComposition& known) {
  const Coordinates& coordinates = known.coordinates;
  std::vector<NodePointer> factors;
  if (!collect_factors(known.composition.target, factors)) return {};
  const Normaliser normaliser(coordinates, known.experts);
  CoordinateSet drawn = coordinates.none();
  for (const NodePointer& factor : factors) {
    const CoordinateSet own = coordinates.drawn(*factor);
    const LogNormaliser log_z = normaliser.of(*factor);
    if (overlap(own, drawn) || !log_z.known || log_z.depends_on_parents()) return {};
    include(drawn, own);
  }
  std::vector<NodePointer> waiting = factors;
  while (!waiting.empty()) {
    const auto ready = std::find_if(waiting.begin(), waiting.end(), [&](const NodePointer& factor) {
      return !overlap(coordinates.parents(*factor), drawn);
    });
    if (ready == waiting.end()) return {};
    exclude(drawn, coordinates.drawn(**ready));
    waiting.erase(ready);
  }
  return factors;
}

/// Rows of a batch as one leaf reads them.
class LeafRows {
 public:
  LeafRows(const Leaf& leaf, const Model& model, Precision precision)
      : leaf_(leaf),
        number_bytes_(bytes_of(precision)),
        gathered_(leaf.inputs.size()),
        input_(leaf.inputs.size()),
        workspace_(model.workspace_bytes(kPieceRows * leaf.parts)) {}

  /// What the leaf's model is called with for `count` rows from `first` on.
  potluck_call call(const Batch& batch, int64_t first, int64_t count) {
    for (size_t i = 0; i < input_.size(); ++i) input_[i] = place(i, batch, first, count);
    potluck_call call{};
    call.size = sizeof call;
    call.rows = count * leaf_.parts;
    call.input = input_.data();
    call.threads = 1;
    call.workspace = workspace_.data();
    return call;
  }

 private:
  const void* place(size_t i, const Batch& batch, int64_t first, int64_t count) {
    const Binding& binding = leaf_.inputs[i];
    if (binding.left_out) return nullptr;
    const bool categorical = leaf_.kind->inputs[i].categorical;
    const size_t bytes = categorical ? sizeof(int64_t) : number_bytes_;
    const auto v = static_cast<size_t>(std::max(binding.variable, 0));
    const int64_t width = binding.variable < 0 ? 0 : batch.numbers_a_row(v);
    const auto* from = binding.variable < 0
                           ? nullptr
                           : static_cast<const char*>(batch.of(v)) + static_cast<size_t>(first * width) * bytes;
    if (from && binding.index.empty()) return from;
    const auto size = static_cast<size_t>(size_of(binding)), parts = static_cast<size_t>(leaf_.parts);
    std::vector<std::byte>& to = gathered_[i];
    to.resize(static_cast<size_t>(count) * parts * size * bytes);
    std::byte* next = to.data();
    for (int64_t row = 0; row < count; ++row)
      for (size_t k = 0; k < parts * size; ++k, next += bytes) {
        if (!from)
          put_literal(binding.literal[k % size], categorical, next);
        else
          std::memcpy(next, from + static_cast<size_t>(row * width + binding.index[k]) * bytes, bytes);
      }
    return to.data();
  }

  void put_literal(double number, bool categorical, std::byte* to) const {
    const auto put = [to](auto value) { std::memcpy(to, &value, sizeof value); };
    if (categorical)
      put(static_cast<int64_t>(number));
    else if (number_bytes_ == sizeof(double))
      put(number);
    else
      put(static_cast<float>(number));
  }

  const Leaf& leaf_;
  size_t number_bytes_;
  std::vector<std::vector<std::byte>> gathered_;  ///< [inputs]
  std::vector<const void*> input_;
  Workspace workspace_;
};

// -------------------------------------------------------------------------------------------------------------- log Z

class ComposedLogPartition final : public LogPartition {
 public:
  ComposedLogPartition(const Composition& composition, const LearnPhase& asked, Plan& plan, BatchEnergy& energy)
      : composition_(composition),
        known_(plan.known()),
        store_(plan.parameters()),
        energy_(energy),
        factors_(factors_of(*known_)) {
    check_data(asked);
    const LogNormaliser log_z = normaliser();
    if (!log_z.known || log_z.estimated || log_z.depends_on_parents())
      throw CompositionError({{asked.place, fmt::format("log Z of the target must be known for maximum_likelihood, got "
                                                        "none: {}. {}",
                                                        reason(log_z), kElse)}});
    std::string why;
    ParameterSums nothing(energy.learnable().arrays().size());
    leaf_by_leaf_ = add_leaf_gradients(0, nothing, why);
    if (!leaf_by_leaf_ && !quadratic())
      throw CompositionError(
          {{asked.place,
            fmt::format("maximum_likelihood must know how log Z changes with what is learned, got a target "
                        "that is not quadratic in what it draws: {}. {}",
                        why, kElse)}});
  }

  double value() override {
    const LogNormaliser log_z = normaliser();
    return log_z.known ? log_z.constant : std::numeric_limits<double>::quiet_NaN();
  }

  void add_gradient(double share, ParameterSums& sums) override {
    std::string why;
    if (leaf_by_leaf_)
      add_leaf_gradients(share, sums, why);
    else
      add_quadratic_gradient(share, sums);
  }

 private:
  /// Of the present parameters: what the plan's own keeps is of those that it was made with.
  LogNormaliser normaliser() const {
    return Normaliser(known_->coordinates, known_->experts).of(*known_->composition.target);
  }

  static std::string reason(const LogNormaliser& log_z) {
    if (!log_z.known) return log_z.why();
    return log_z.estimated ? "it is an estimate" : "it depends on what the target is conditional on";
  }

  /// What the target draws has data, and all that it reads has them or is given.
  void check_data(const LearnPhase& asked) const {
    const LearnSettings& learn = *composition_.learn;
    const CoordinateSet drawn = known_->coordinates.drawn(*known_->composition.target);
    std::vector<Diagnostic> wrong;
    for (size_t v = 0; v < composition_.variables.size(); ++v) {
      const std::string& name = composition_.variables[v].name;
      const bool has_data = learn.has_data(static_cast<int>(v));
      const auto begin = drawn.begin() + known_->coordinates.first(static_cast<int>(v));
      const auto end = drawn.begin() + known_->coordinates.first(static_cast<int>(v) + 1);
      if (!has_data && !composition_.held[v].all())
        wrong.push_back({asked.place, fmt::format("learn.data must have all variables that are not given for "
                                                  "maximum_likelihood, got none for '{}'. Add data, or give it",
                                                  name)});
      else if (!has_data && std::find(begin, end, 1) != end)
        wrong.push_back({asked.place, fmt::format("learn.data must have what the target draws for maximum_likelihood, "
                                                  "got '{}', which is given. Add data for it",
                                                  name)});
    }
    for (const LearnedVariable& one : learn.files.variables)
      if (asked.takes_all_rows() && (one.column.flip || one.column.drop > 0))
        wrong.push_back({one.file_place, fmt::format("{} must be as it stands where each update reads all rows, got "
                                                     "{}. Leave it out, or name an optimiser of steps, such as adam",
                                                     one.what, one.column.flip ? "flip" : "drop")});
    if (!wrong.empty()) throw CompositionError(std::move(wrong));
  }

  /// Leaf by leaf, as the models say it; false, and `why`, where one does not. Share 0: only whether they do.
  bool add_leaf_gradients(double share, ParameterSums& sums, std::string& why) const {
    if (factors_.empty()) {
      why = "it is no product of densities of leaves that draw different variables";
      return false;
    }
    for (const NodePointer& factor : factors_) {
      const Leaf& leaf = leaf_of(factor);
      const int expert = store_.expert_of(leaf);
      if (expert < 0 || !store_.is_learned_expert(static_cast<size_t>(expert))) continue;
      if (add_leaf_gradient(leaf, static_cast<size_t>(expert), share, sums)) continue;
      why = fmt::format("model '{}' does not say it", leaf.kind->name);
      return false;
    }
    return true;
  }

  bool add_leaf_gradient(const Leaf& leaf, size_t expert, double share, ParameterSums& sums) const {
    const Model* model = known_->experts.on_cpu(leaf);
    const LeafRow row(composition_, *model, leaf);
    if (!model->kind().has_log_normaliser_gradient() || row.parents_in_state()) return false;
    std::vector<const void*> input(leaf.inputs.size(), nullptr);
    for (size_t i = 0; i < input.size(); ++i)
      if (leaf.kind->inputs[i].parent) input[i] = row.value(i);
    Workspace workspace(model->workspace_bytes(1));
    potluck_call given{};
    given.size = sizeof given;
    given.rows = 1;
    given.input = input.data();
    given.threads = 1;
    given.workspace = workspace.data();
    const ParameterExpert& of = store_.experts()[expert];
    std::vector<std::vector<std::byte>> memory;
    std::vector<void*> sum;
    for (size_t a = of.first; a < of.first + of.count; ++a)
      sum.push_back(memory.emplace_back(store_.arrays()[a].array.bytes()).data());
    // Every part of an `each` has a log Z of its own.
    const double cotangent = share * static_cast<double>(leaf.parts);
    if (!model->log_normaliser_gradient(given, &cotangent, sum.data())) return false;
    for (size_t a = of.first; a < of.first + of.count; ++a) {
      const bool wide = store_.arrays()[a].array.type == POTLUCK_FLOAT64;
      for (size_t i = 0; i < sums[a].size(); ++i)
        sums[a][i] += wide ? reinterpret_cast<const double*>(sum[a - of.first])[i]
                           : static_cast<double>(reinterpret_cast<const float*>(sum[a - of.first])[i]);
    }
    return true;
  }

  /// The law of what is drawn where the rest stands at 0, or at what is given: its normaliser is the same everywhere.
  struct DrawnLaw {
    std::vector<int64_t> coordinates;
    Eigen::VectorXd mean;
    Eigen::LLT<Eigen::MatrixXd> precision;
  };
  std::optional<DrawnLaw> quadratic() const {
    const Coordinates& coordinates = known_->coordinates;
    const Normaliser normaliser(coordinates, known_->experts);
    std::string why;
    const auto form =
        quadratic_form(*known_->composition.target, coordinates, known_->experts, normaliser, coordinates.none(), why);
    if (!form) return std::nullopt;
    std::vector<double> value(static_cast<size_t>(coordinates.total()), 0.0);
    const CoordinateSet drawn = coordinates.drawn(*known_->composition.target);
    held_coordinates(coordinates, value);
    CoordinateSet rest = coordinates.none();
    for (const int64_t at : form->coordinates) rest[static_cast<size_t>(at)] = 1;
    exclude(rest, drawn);
    const QuadraticForm law = conditioned(*form, rest, value);
    DrawnLaw found{law.coordinates, {}, Eigen::LLT<Eigen::MatrixXd>(law.precision)};
    if (found.precision.info() != Eigen::Success) return std::nullopt;
    found.mean = found.precision.solve(law.linear);
    return found;
  }

  /// d log Z/dp = -E[dE/dp] under the composite. dE/dp is quadratic in x, so that the mean over the 2n points
  /// m +- sqrt(n) L e_i, where L L' is the covariance, is its expectation (a cubature rule of degree 3: McNamee &
  /// Stenger 1967).
  void add_quadratic_gradient(double share, ParameterSums& sums) {
    const auto law = quadratic();
    if (!law) return;
    const auto n = static_cast<int64_t>(law->coordinates.size());
    Eigen::MatrixXd spread = Eigen::MatrixXd::Identity(n, n) * std::sqrt(static_cast<double>(n));
    law->precision.matrixU().solveInPlace(spread);
    Batch points(energy_.variables(), energy_.precision(), 2 * n);
    points.fill_held(composition_.held);
    const Coordinates& coordinates = known_->coordinates;
    for (int64_t i = 0; i < n; ++i) {
      const int64_t at = law->coordinates[static_cast<size_t>(i)];
      const int v = coordinates.variable_of(at);
      const int64_t element = at - coordinates.first(v), width = points.numbers_a_row(static_cast<size_t>(v));
      for (int64_t k = 0; k < n; ++k) {
        points.set(static_cast<size_t>(v), 2 * k * width + element, law->mean(i) + spread(i, k));
        points.set(static_cast<size_t>(v), (2 * k + 1) * width + element, law->mean(i) - spread(i, k));
      }
    }
    const std::vector<double> cotangent(static_cast<size_t>(2 * n), -share / static_cast<double>(2 * n));
    energy_.add_gradient(points, cotangent.data(), {}, nullptr, sums);
  }

  const Composition& composition_;
  const std::shared_ptr<const KnownComposition> known_;
  ParameterStore& store_;
  BatchEnergy& energy_;
  const std::vector<NodePointer> factors_;
  bool leaf_by_leaf_ = false;
};

// ------------------------------------------------------------------------------------------------------------- rounds

class ComposedRounds final : public LikelihoodRounds {
 public:
  /// A leaf that is learned, and its model.
  struct Part {
    const Leaf* leaf = nullptr;
    const Model* model = nullptr;
    size_t expert = 0;
  };

  ComposedRounds(std::vector<Part> parts, ParameterStore& store, BatchEnergy& energy)
      : parts_(std::move(parts)), store_(store), threads_(energy.threads()), precision_(energy.precision()) {
    for (const Part& part : parts_) {
      const auto statistics = store_.master(part.expert).statistics();
      counts_.push_back(statistics->count);
      closed_form_ = closed_form_ && statistics->closed_form;
    }
  }

  bool closed_form() const override { return closed_form_; }

  void begin(int64_t round) override {
    round_ = round;
    sums_.clear();
    for (size_t p = 0; p < parts_.size(); ++p)
      sums_.try_emplace(parts_[p].expert, static_cast<size_t>(counts_[p]), 0.0);
  }

  /// As many pieces at once as there are threads; their sums are added in the order of the rows.
  void add(const Batch& rows) override {
    for (size_t p = 0; p < parts_.size(); ++p) {
      const Part& part = parts_[p];
      const int64_t pieces = (rows.rows() + kPieceRows - 1) / kPieceRows;
      const int64_t at_once = part.model->can(POTLUCK_THREAD_SAFE) ? threads_.workers() : 1;
      std::vector<double>& sum = sums_.at(part.expert);
      std::vector<std::vector<double>> of_piece(static_cast<size_t>(std::min(at_once, pieces)));
      std::vector<LeafRows> readers;
      for (size_t k = 0; k < of_piece.size(); ++k) readers.emplace_back(*part.leaf, *part.model, precision_);
      for (int64_t begun = 0; begun < pieces; begun += at_once) {
        const int64_t count = std::min(at_once, pieces - begun);
        const auto one = [&](int64_t k, int) {
          const auto slot = static_cast<size_t>(k);
          of_piece[slot].assign(sum.size(), 0);
          const int64_t first = (begun + k) * kPieceRows, some = std::min(kPieceRows, rows.rows() - first);
          part.model->add_statistics(readers[slot].call(rows, first, some), round_, of_piece[slot].data());
        };
        if (count > 1)
          threads_.run(count, one);
        else
          one(0, 0);
        for (int64_t k = 0; k < count; ++k)
          for (size_t i = 0; i < sum.size(); ++i) sum[i] += of_piece[static_cast<size_t>(k)][i];
      }
    }
  }

  void finish() override {
    for (const auto& [expert, sum] : sums_) store_.master(expert).fit(round_, sum.data());
  }

 private:
  const std::vector<Part> parts_;
  ParameterStore& store_;
  ThreadPool& threads_;
  const Precision precision_;
  std::vector<int64_t> counts_;  ///< [parts]
  bool closed_form_ = true;
  int64_t round_ = 0;
  std::map<size_t, std::vector<double>> sums_;  ///< by expert
};

}  // namespace

std::unique_ptr<LogPartition> composed_log_partition(const Composition& composition, const LearnPhase& asked,
                                                     Plan& plan, BatchEnergy& energy) {
  return std::make_unique<ComposedLogPartition>(composition, asked, plan, energy);
}

std::unique_ptr<LikelihoodRounds> composed_rounds(Plan& plan, BatchEnergy& energy) {
  if (plan.device().kind != Device::Kind::kCpu) return nullptr;
  const std::shared_ptr<const KnownComposition> known = plan.known();
  ParameterStore& store = plan.parameters();
  std::vector<ComposedRounds::Part> parts;
  for (const NodePointer& factor : factors_of(*known)) {
    const Leaf& leaf = leaf_of(factor);
    const int expert = store.expert_of(leaf);
    if (expert < 0 || !store.is_learned_expert(static_cast<size_t>(expert))) continue;
    if (!store.master(static_cast<size_t>(expert)).statistics()) return nullptr;
    parts.push_back({&leaf, &known->experts.model(leaf), static_cast<size_t>(expert)});
  }
  if (parts.empty()) return nullptr;
  return std::make_unique<ComposedRounds>(std::move(parts), store, energy);
}

}  // namespace potluck
