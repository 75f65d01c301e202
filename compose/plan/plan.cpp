// SPDX-License-Identifier: Apache-2.0
// The evaluation of a composite: one class, as every call of a model needs the same places in the workspace. What it
// evaluates is made by evaluation_order.cpp, what it computes between the calls by program.cpp and arithmetic_*.
#include "compose/plan/plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <mutex>

#include "compose/known/bounds.h"
#include "compose/known/coarse_numbers.h"
#include "compose/known/dropped_normaliser.h"
#include "compose/known/explanation.h"
#include "compose/known/given_log_z.h"
#include "compose/known/integrability.h"
#include "compose/plan/arithmetic_cuda.h"
#include "compose/plan/evaluation_order.h"
#include "compose/plan/input_rows.h"
#include "compose/plan/label_readers.h"
#include "compose/plan/mixtures.h"
#include "compose/plan/parameter_gradient.h"
#include "core/device/devices.h"

namespace potluck {

namespace {

/// Chains are rounded up to this many, so that every place in the workspace is aligned to 64 bytes.
constexpr int64_t kStride = 8;

/// What one thread needs to make its calls without allocating.
struct Worker {
  std::vector<const void*> input;
  std::vector<void*> gradient;
  std::vector<Contribution> contributions;
  std::vector<Evaluated> evaluated;  ///< [evaluations]
  std::vector<uint8_t> started;      ///< [variables] 1: its gradient holds something
};

/// The places of one call.
struct Frame {
  const EnergyCall* call;
  int64_t chains, stride;
  char* workspace;
  double* memory;      ///< of the program
  double* categories;  ///< energies of all labels, [rows, K] of each reader
  void* model_scratch;
  Worker* worker;

  void* at(int64_t bytes_a_chain) const { return workspace + bytes_a_chain * stride; }
  void* wanted(const PlannedInput& input) const {
    if (!input.has_gradient() || !call->gradient) return nullptr;
    return call->gradient[input.variable];
  }
};

class CompositePlan final : public Plan {
 public:
  explicit CompositePlan(std::shared_ptr<KnownComposition> known)
      : known_(std::move(known)),
        composition_(known_->composition),
        options_(known_->options),
        coordinates_(known_->coordinates),
        arithmetic_(
            for_device(options_.device, cpu_arithmetic, POTLUCK_WITH_CUDA(cuda_arithmetic), options_.precision)),
        experts_(known_->experts),
        normaliser_(known_->normaliser),
        order_(make_evaluation_order(composition_, coordinates_, experts_, normaliser_, *arithmetic_, options_)),
        input_rows_(composition_.variables, *arithmetic_, options_.precision),
        workers_(static_cast<size_t>(std::max(options_.workers, 1))),
        counts_(order_.experts.size()) {
    verdict_ = integrability(composition_, coordinates_, experts_, normaliser_);
    if (!verdict_.integrable && !options_.learning)
      throw CompositionError({{composition_.target->place, verdict_.why}});
    describe_leaves();
    mixtures_ = watched_mixtures(composition_, coordinates_, order_);
    readers_ = label_readers(composition_, order_, experts_, options_);
    for (size_t v = 0; v < readers_.size(); ++v)
      for (const std::vector<LabelReaders::Reader>& readers : readers_[v].of_element)
        category_doubles_ = std::max(category_doubles_, categories_of(v) * static_cast<int64_t>(readers.size()));
    size_t inputs = 0;
    for (const PlannedEvaluation& evaluation : order_.evaluations) inputs = std::max(inputs, evaluation.inputs.size());
    for (Worker& worker : workers_) {
      worker.input.resize(inputs);
      worker.gradient.resize(inputs);
      worker.contributions.resize(order_.evaluations.size() * std::max<size_t>(inputs, 1));
      worker.evaluated.resize(order_.evaluations.size());
      worker.started.resize(composition_.variables.size());
    }
    // model_of() must not search in the middle of a step.
    for (const PlannedEvaluation& evaluation : order_.evaluations)
      for (size_t worker = 0; worker < workers_.size(); ++worker)
        models_.push_back(&experts_.model(*evaluation.leaf, static_cast<int>(worker)));
  }

  const std::vector<Variable>& variables() const override { return composition_.variables; }
  Precision precision() const override { return options_.precision; }
  Device device() const override { return options_.device; }
  int64_t most_rows() const override { return options_.most_rows; }
  const std::vector<std::string>& experts() const override { return order_.experts; }
  bool rows_alone() const override { return all_can(POTLUCK_ROWS_ALONE); }
  bool batch_invariant() const override { return all_can(POTLUCK_BATCH_INVARIANT); }
  /// The largest wish of an expert, in chains: one inside `each` has several rows of each.
  int64_t preferred_rows() const override {
    int64_t rows = 0;
    for (const PlannedEvaluation& evaluation : order_.evaluations) {
      const int64_t wish = experts_.model(*evaluation.leaf).facts().preferred_rows;
      rows = std::max(rows, wish / evaluation.parts + (wish % evaluation.parts > 0 ? 1 : 0));
    }
    return rows;
  }
  bool capturable() const override { return all_can(POTLUCK_GRAPH_CAPTURABLE); }
  bool hard_walls() const override {
    for (const PlannedEvaluation& evaluation : order_.evaluations)
      if (experts_.model(*evaluation.leaf).can(POTLUCK_HARD_WALLS)) return true;
    return false;
  }
  const std::vector<PlannedLeaf>& leaves() const override { return leaves_; }
  const Mixtures& mixtures() const override { return mixtures_; }
  std::shared_ptr<const KnownComposition> known() const override { return known_; }
  LogNormaliser log_normaliser() const override { return normaliser_.of(*composition_.target); }
  const std::vector<std::string>& explanation() const override {
    // log Z of a large quadratic target takes a while, and a run does not need it.
    std::call_once(explained_,
                   [&] { explanation_ = explain(composition_, coordinates_, experts_, normaliser_, verdict_); });
    return explanation_;
  }
  std::vector<std::string> warnings() const override {
    std::vector<std::string> all = dropped_normalisers(composition_, coordinates_, normaliser_);
    for (std::string& one : given_log_z_that_differs(composition_, normaliser_)) all.push_back(std::move(one));
    for (std::string& one : coarse_numbers(composition_, coordinates_, experts_, normaliser_))
      all.push_back(std::move(one));
    return all;
  }
  ParameterStore& parameters() override {
    if (!store_) store_ = std::make_unique<ParameterStore>(experts_, order_, *arithmetic_);
    return *store_;
  }
  int64_t parameter_piece() override { return gradient().piece(); }
  void parameter_gradient(const ParameterGradientCall& call) override { gradient().add(call); }
  std::vector<int64_t> evaluations() const override { return std::vector<int64_t>(counts_.begin(), counts_.end()); }

  size_t workspace_bytes(int64_t rows) const override {
    size_t scratch = 0;
    for (size_t e = 0; e < order_.evaluations.size(); ++e)
      scratch = std::max(scratch, model_of(e, 0).workspace_bytes(rows * order_.evaluations[e].parts));
    return static_cast<size_t>(places_bytes() * stride_of(rows)) + scratch;
  }

  void evaluate(const EnergyCall& call) const override {
    const Frame frame = frame_of(call);
    for (size_t e = 0; e < order_.evaluations.size(); ++e) {
      evaluate_leaf(e, frame);
      if (order_.evaluations[e].constant_rate && !order_.evaluations[e].direct)
        add_gradients(order_.evaluations[e], frame);
    }
    finish_energy(frame, call.energy);
    if (call.gradient) finish_gradients(frame);
  }

  bool offers_category_energies(int variable) const override { return readers_[static_cast<size_t>(variable)].offered; }

  /// Whoever does not read the label is evaluated once; the program runs for each label.
  void category_energies(const CategoryCall& call) const override {
    const Frame frame = frame_of(call.state);
    const auto v = static_cast<size_t>(call.variable);
    const std::vector<LabelReaders::Reader>& readers = readers_[v].of_element[static_cast<size_t>(call.element)];
    const auto reads = [&readers](size_t e) {
      return std::any_of(readers.begin(), readers.end(), [e](const auto& one) { return one.evaluation == e; });
    };
    for (size_t e = 0; e < order_.evaluations.size(); ++e)
      if (!reads(e)) evaluate_leaf(e, frame);
    const int64_t categories = categories_of(v), of_one = categories * frame.stride;
    for (size_t r = 0; r < readers.size(); ++r)
      evaluate_categories(readers[r], frame, categories, frame.categories + static_cast<int64_t>(r) * of_one);
    for (int64_t k = 0; k < categories; ++k) {
      for (size_t r = 0; r < readers.size(); ++r) {
        const double* from = frame.categories + static_cast<int64_t>(r) * of_one + k;
        double* energy = frame.worker->evaluated[readers[r].evaluation].energy;
        for (int64_t row = 0; row < frame.chains; ++row) energy[row] = from[row * categories];
      }
      finish_energy(frame, call.energy + k * frame.chains);
    }
  }

 private:
  int64_t categories_of(size_t variable) const { return composition_.variables[variable].categories; }

  /// A chain, before the models' own scratch.
  int64_t places_bytes() const {
    return order_.bytes_a_chain + category_doubles_ * static_cast<int64_t>(sizeof(double));
  }

  Frame frame_of(const EnergyCall& call) const {
    Frame frame;
    frame.call = &call;
    frame.chains = call.rows;
    frame.stride = stride_of(call.rows);
    frame.workspace = static_cast<char*>(call.workspace);
    frame.memory = static_cast<double*>(call.workspace);
    frame.categories = static_cast<double*>(frame.at(order_.bytes_a_chain));
    frame.model_scratch = frame.at(places_bytes());
    frame.worker = &workers_[static_cast<size_t>(call.worker)];
    std::fill(frame.worker->started.begin(), frame.worker->started.end(), uint8_t{0});
    return frame;
  }

  /// Runs the program on what was evaluated.
  void finish_energy(const Frame& frame, double* energy) const {
    arithmetic_->finish(frame.worker->evaluated.data(), static_cast<int>(order_.evaluations.size()), order_.program,
                        {frame.memory, frame.stride, frame.chains, frame.call->gradient != nullptr}, energy,
                        frame.call->stream);
  }

  static int64_t stride_of(int64_t rows) { return (rows + kStride - 1) / kStride * kStride; }

  bool all_can(uint64_t ability) const {
    for (const PlannedEvaluation& evaluation : order_.evaluations)
      if (!experts_.model(*evaluation.leaf).can(ability)) return false;
    return true;
  }

  const Model& model_of(size_t evaluation, int worker) const {
    return *models_[evaluation * workers_.size() + static_cast<size_t>(worker)];
  }

  ParameterGradient& gradient() {
    if (!gradient_)
      gradient_ = std::make_unique<ParameterGradient>(
          GradientSources{composition_, options_, order_, experts_, parameters(), *arithmetic_}, preferred_rows());
    return *gradient_;
  }

  size_t variable_bytes(int variable) const {
    return static_cast<size_t>(composition_.variables[static_cast<size_t>(variable)].size()) *
           bytes_of(options_.precision);
  }

  /// Zeroes the gradient of a variable that holds nothing yet.
  void start(int variable, const Frame& frame) const {
    uint8_t& started = frame.worker->started[static_cast<size_t>(variable)];
    if (!started)
      arithmetic_->set_zero(frame.call->gradient[variable],
                            static_cast<size_t>(frame.chains) * variable_bytes(variable), frame.call->stream);
    started = 1;
  }

  /// Says where the gradients go. True where the model has to add to what is there.
  bool bind_gradients(const PlannedEvaluation& evaluation, const Frame& frame, bool& any) const {
    bool add = false;
    int64_t at = evaluation.gradients;
    for (size_t i = 0; i < evaluation.inputs.size(); ++i) {
      const PlannedInput& input = evaluation.inputs[i];
      void* wanted = frame.wanted(input);
      frame.worker->gradient[i] = wanted;
      any = any || wanted;
      if (evaluation.direct) {
        add = add || (wanted && frame.worker->started[static_cast<size_t>(input.variable)]);
      } else if (input.has_gradient()) {
        if (wanted) frame.worker->gradient[i] = frame.at(at);
        at += bytes_a_chain(evaluation, input, options_.precision);
      }
    }
    if (!evaluation.direct) return false;
    for (const PlannedInput& input : evaluation.inputs) {
      if (!frame.wanted(input)) continue;
      if (add) start(input.variable, frame);
      frame.worker->started[static_cast<size_t>(input.variable)] = 1;
    }
    return add;
  }

  /// To the rows behind those of the call. Literals are the same in all.
  void go_on(const PlannedEvaluation& evaluation, const Frame& frame, potluck_call& passed) const {
    for (size_t i = 0; i < evaluation.inputs.size(); ++i) {
      const PlannedInput& input = evaluation.inputs[i];
      const auto bytes = static_cast<size_t>(passed.rows * input.size) *
                         (input.categorical ? sizeof(int64_t) : bytes_of(options_.precision));
      const void*& from = frame.worker->input[i];
      void*& gradient = frame.worker->gradient[i];
      if (from && input.variable >= 0) from = static_cast<const char*>(from) + bytes;
      if (gradient) gradient = static_cast<char*>(gradient) + bytes;
    }
    if (passed.energy) passed.energy += passed.rows;
    if (passed.row_weight) passed.row_weight += passed.rows;
  }

  void bind_inputs(const PlannedEvaluation& evaluation, const Frame& frame) const {
    input_rows_.bind(evaluation,
                     {frame.call->position, frame.chains, frame.stride,
                      static_cast<char*>(frame.at(evaluation.gathered)), frame.call->stream},
                     frame.worker->input.data());
  }

  void evaluate_leaf(size_t e, const Frame& frame) const {
    const PlannedEvaluation& evaluation = order_.evaluations[e];
    const EnergyCall& call = *frame.call;
    double* energy = order_.program.values(frame.memory, frame.stride, evaluation.slot);
    bind_inputs(evaluation, frame);
    bool any = false;
    const bool add = bind_gradients(evaluation, frame, any);
    potluck_call passed{};
    passed.size = sizeof(passed);
    passed.rows = frame.chains * evaluation.parts;
    double* log_z = energy;
    passed.input = frame.worker->input.data();
    passed.energy = evaluation.normaliser ? nullptr : energy;
    passed.gradient = any ? frame.worker->gradient.data() : nullptr;
    passed.row_weight = evaluation.direct && any ? evaluation.row_weight.get() : nullptr;
    passed.accumulate = add;
    passed.threads = 1;
    passed.workspace = frame.model_scratch;
    passed.stream = call.stream;
    const Model& model = model_of(e, call.worker);
    for (int64_t left = passed.rows; left > 0; left -= passed.rows) {
      passed.rows = std::min(left, evaluation.rows_of_a_call);
      if (!evaluation.normaliser)
        model.evaluate(passed);
      else if (!model.log_normaliser(passed, log_z))
        throw PluginError("model '" + model.kind().name + "' must know its log Z for all parents, got none for these");
      log_z += passed.rows;
      if (left > passed.rows) go_on(evaluation, frame, passed);
    }
    double* expert_energy = nullptr;
    if (evaluation.expert >= 0) {
      counts_[static_cast<size_t>(evaluation.expert)].fetch_add(1, std::memory_order_relaxed);
      if (call.expert_energy) expert_energy = call.expert_energy + evaluation.expert * frame.chains;
    }
    frame.worker->evaluated[e] = {energy, evaluation.parts, expert_energy};
  }

  /// The energies of all labels that one reader may be given, to [rows, categories].
  void evaluate_categories(const LabelReaders::Reader& reader, const Frame& frame, int64_t categories,
                           double* energy) const {
    const PlannedEvaluation& evaluation = order_.evaluations[reader.evaluation];
    bind_inputs(evaluation, frame);
    std::fill(frame.worker->gradient.begin(), frame.worker->gradient.end(), nullptr);
    potluck_call passed{};
    passed.size = sizeof(passed);
    passed.rows = frame.chains;
    passed.input = frame.worker->input.data();
    passed.threads = 1;
    passed.workspace = frame.model_scratch;
    passed.stream = frame.call->stream;
    const Model& model = model_of(reader.evaluation, frame.call->worker);
    for (int64_t left = passed.rows; left > 0; left -= passed.rows) {
      passed.rows = std::min(left, evaluation.rows_of_a_call);
      if (!model.category_energies(passed, reader.input, energy))
        throw PluginError("model '" + model.kind().name +
                          "' must know the energies of all labels as it did for one row, got none for these");
      energy += passed.rows * categories;
      if (left > passed.rows) go_on(evaluation, frame, passed);
    }
    counts_[static_cast<size_t>(evaluation.expert)].fetch_add(1, std::memory_order_relaxed);
    frame.worker->evaluated[reader.evaluation] = {order_.program.values(frame.memory, frame.stride, evaluation.slot),
                                                  evaluation.parts, nullptr};
  }

  /// Adds an evaluation's gradients to those of its variables, at its rate.
  void add_gradients(const PlannedEvaluation& evaluation, const Frame& frame) const {
    int64_t at = evaluation.gradients;
    for (const PlannedInput& input : evaluation.inputs) {
      if (!input.has_gradient()) continue;
      const void* own = frame.at(at);
      at += bytes_a_chain(evaluation, input, options_.precision);
      void* total = frame.wanted(input);
      if (!total) continue;
      const int64_t n = composition_.variables[static_cast<size_t>(input.variable)].size();
      Contribution from{own, nullptr, evaluation.rate};
      if (!evaluation.constant_rate) from.rate = order_.program.rates(frame.memory, frame.stride, evaluation.slot);
      uint8_t& started = frame.worker->started[static_cast<size_t>(input.variable)];
      if (input.whole) {
        arithmetic_->add_whole(&from, 1, !started, n, frame.chains, total, frame.call->stream);
        started = 1;
      } else {
        start(input.variable, frame);
        arithmetic_->add_view(from, input.elements, n, frame.chains, total, frame.call->stream);
      }
    }
  }

  /// The gradients of nonlinear evaluations, whole variables in one pass each, and zeros where no expert looks.
  void finish_gradients(const Frame& frame) const {
    for (int v = 0; v < static_cast<int>(composition_.variables.size()); ++v) {
      void* total = frame.call->gradient[v];
      if (!total || composition_.variables[static_cast<size_t>(v)].categorical()) continue;
      const int count = collect_whole(v, frame);
      uint8_t& started = frame.worker->started[static_cast<size_t>(v)];
      if (count == 0) continue;
      arithmetic_->add_whole(frame.worker->contributions.data(), count, !started,
                             composition_.variables[static_cast<size_t>(v)].size(), frame.chains, total,
                             frame.call->stream);
      started = 1;
    }
    for (const PlannedEvaluation& evaluation : order_.evaluations)
      if (!evaluation.constant_rate) add_views(evaluation, frame);
    for (int v = 0; v < static_cast<int>(composition_.variables.size()); ++v)
      if (frame.call->gradient[v] && !composition_.variables[static_cast<size_t>(v)].categorical()) start(v, frame);
  }

  int collect_whole(int variable, const Frame& frame) const {
    int count = 0;
    for (const PlannedEvaluation& evaluation : order_.evaluations) {
      if (evaluation.constant_rate) continue;
      int64_t at = evaluation.gradients;
      for (const PlannedInput& input : evaluation.inputs) {
        if (!input.has_gradient()) continue;
        if (input.variable == variable && input.whole)
          frame.worker->contributions[static_cast<size_t>(count++)] = {
              frame.at(at), order_.program.rates(frame.memory, frame.stride, evaluation.slot), 1};
        at += bytes_a_chain(evaluation, input, options_.precision);
      }
    }
    return count;
  }

  void add_views(const PlannedEvaluation& evaluation, const Frame& frame) const {
    int64_t at = evaluation.gradients;
    for (const PlannedInput& input : evaluation.inputs) {
      if (!input.has_gradient()) continue;
      void* total = frame.wanted(input);
      if (total && !input.whole) {
        start(input.variable, frame);
        arithmetic_->add_view({frame.at(at), order_.program.rates(frame.memory, frame.stride, evaluation.slot), 1},
                              input.elements, composition_.variables[static_cast<size_t>(input.variable)].size(),
                              frame.chains, total, frame.call->stream);
      }
      at += bytes_a_chain(evaluation, input, options_.precision);
    }
  }

  void describe_leaves() {
    for (const std::string& name : order_.experts) leaves_.push_back({name, "", 1, 1, ""});
    for (const PlannedEvaluation& evaluation : order_.evaluations) {
      if (evaluation.expert < 0) continue;
      PlannedLeaf& leaf = leaves_[static_cast<size_t>(evaluation.expert)];
      const ModelKind& kind = *evaluation.leaf->kind;
      leaf.model = fmt::format("{} ({} {})", kind.name, kind.plugin_id, kind.plugin_version);
      leaf.rows_a_chain = evaluation.parts;
      leaf.used = evaluation.used;
      leaf.weight = evaluation.constant_rate ? fmt::format("{}", evaluation.rate) : "depends on the state";
    }
  }

  const std::shared_ptr<KnownComposition> known_;
  const Composition& composition_;
  const PlanOptions& options_;
  const Coordinates& coordinates_;
  const std::unique_ptr<Arithmetic> arithmetic_;
  Experts& experts_;
  const Normaliser& normaliser_;
  const EvaluationOrder order_;
  const InputRows input_rows_;
  std::vector<const Model*> models_;  ///< [evaluations, workers]
  mutable std::vector<Worker> workers_;
  mutable std::vector<std::atomic<int64_t>> counts_;
  std::vector<PlannedLeaf> leaves_;
  Mixtures mixtures_;
  std::vector<LabelReaders> readers_;  ///< [variables]
  int64_t category_doubles_ = 0;       ///< a chain
  Integrability verdict_;
  mutable std::once_flag explained_;
  mutable std::vector<std::string> explanation_;
  std::unique_ptr<ParameterStore> store_;  ///< both null until they are asked for
  std::unique_ptr<ParameterGradient> gradient_;
};

}  // namespace

std::unique_ptr<Plan> make_plan(const Composition& composition, const PlanOptions& options) {
  return std::make_unique<CompositePlan>(std::make_shared<KnownComposition>(composition, options));
}

}  // namespace potluck
