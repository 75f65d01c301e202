// SPDX-License-Identifier: Apache-2.0
#include "compose/plan/piece_gradient.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

namespace potluck {

namespace {

/// Chains are rounded up to this many, so that every place in the memory is aligned to 64 bytes.
constexpr int64_t kStride = 8;

int64_t rounded_up(int64_t number, int64_t to) { return (number + to - 1) / to * to; }

/// Where row `row` begins; null where there are none.
template <class Pointer>
Pointer row_of(Pointer rows, int64_t row, size_t bytes) {
  using Bytes = std::conditional_t<std::is_const_v<std::remove_pointer_t<Pointer>>, const char*, char*>;
  return rows ? static_cast<Bytes>(rows) + static_cast<size_t>(row) * bytes : nullptr;
}

/// Moves `rows`, which are ascending, to the front: none is overwritten before it has been read.
void close_up(const std::vector<int64_t>& rows, size_t bytes, const void* from, void* to) {
  for (size_t k = 0; k < rows.size(); ++k)
    std::memmove(static_cast<char*>(to) + k * bytes,
                 static_cast<const char*>(from) + static_cast<size_t>(rows[k]) * bytes, bytes);
}

}  // namespace

PieceGradient::PieceGradient(const GradientSources& sources, int64_t most_chains, int worker)
    : sources_(sources),
      input_rows_(sources.composition.variables, sources.arithmetic, sources.options.precision),
      on_cpu_(sources.options.device.kind == Device::Kind::kCpu),
      differences_(sources.store, sources.arithmetic, sources.options.device, sources.options.precision) {
  for (const PlannedEvaluation& evaluation : sources.order.evaluations) {
    models_.push_back(&sources.experts.model(*evaluation.leaf, worker));
    expert_.push_back(evaluation.normaliser ? -1 : sources.store.expert_of(*evaluation.leaf));
  }
  keep_held();
  lay_out();
  allocate(most_chains);
}

void PieceGradient::keep_held() {
  const std::vector<Held>& held = sources_.composition.held;
  held_.resize(sources_.composition.variables.size());
  for (size_t v = 0; v < held_.size() && v < held.size(); ++v)
    if (held[v].any()) held_[v] = sources_.arithmetic.keep(held[v].mask.data(), held[v].mask.size());
}

void PieceGradient::lay_out() {
  int64_t inputs = 0, gradients = 0, parts = 1;
  for (const PlannedEvaluation& evaluation : sources_.order.evaluations) {
    int64_t own_inputs = 0, own_gradients = 0;
    for (const PlannedInput& input : evaluation.inputs) {
      if (input.asked && input.variable >= 0) own_inputs += bytes_of_input(evaluation, input);
      if (input.has_gradient()) own_gradients += bytes_of_input(evaluation, input);
    }
    inputs = std::max(inputs, own_inputs);
    gradients = std::max(gradients, own_gradients);
    parts = std::max(parts, evaluation.parts);
  }
  const int64_t program = sources_.order.program.doubles_a_chain() * static_cast<int64_t>(sizeof(double));
  layout_.slopes = program;
  layout_.total = layout_.slopes + program;
  layout_.inputs = layout_.total + static_cast<int64_t>(sizeof(double));
  layout_.gradients = layout_.inputs + inputs;
  layout_.tangents = layout_.gradients + gradients;
  layout_.cotangents = layout_.tangents + gradients;
  layout_.model = layout_.cotangents + parts * static_cast<int64_t>(sizeof(double));
}

void PieceGradient::allocate(int64_t most_chains) {
  size_t model_bytes = 0, inputs = 0;
  for (size_t e = 0; e < models_.size(); ++e) {
    const PlannedEvaluation& evaluation = sources_.order.evaluations[e];
    model_bytes = std::max(model_bytes, models_[e]->workspace_bytes(most_chains * evaluation.parts));
    inputs = std::max(inputs, evaluation.inputs.size());
  }
  memory_ =
      sources_.arithmetic.allocate(static_cast<size_t>(layout_.model * rounded_up(most_chains, kStride)) + model_bytes);
  sums_.resize(sources_.store.arrays().size());
  sum_.resize(sums_.size());
  position_.resize(sources_.composition.variables.size());
  tangent_.resize(position_.size());
  evaluated_.resize(models_.size());
  for (auto* pointers : {&input_, &next_input_, &next_moved_}) pointers->resize(inputs);
  for (auto* pointers : {&gradient_, &next_gradient_, &moved_}) pointers->resize(inputs);
}

void PieceGradient::evaluate(const ParameterGradientCall& call, int64_t first, int64_t chains) {
  begin(call, first, chains);
  clear_sums();
  if (rates_vary()) find_rates();
  for (size_t e = 0; e < models_.size(); ++e)
    if (is_learned(e)) add_leaf(e);
}

void PieceGradient::begin(const ParameterGradientCall& call, int64_t first, int64_t chains) {
  chains_ = chains;
  stride_ = rounded_up(chains, kStride);
  stream_ = call.stream;
  cotangent_ = call.cotangent ? call.cotangent + first : nullptr;
  any_moves_ = false;
  for (size_t v = 0; v < position_.size(); ++v) {
    const Variable& variable = sources_.composition.variables[v];
    const size_t width = bytes_of(sources_.options.precision), n = static_cast<size_t>(variable.size());
    position_[v] = row_of(call.position[v], first, n * (variable.categorical() ? 8 : width));
    const void* tangent = call.tangent && !variable.categorical() ? call.tangent[v] : nullptr;
    tangent_[v] = row_of(tangent, first, n * width);
    any_moves_ = any_moves_ || tangent;
  }
}

void PieceGradient::clear_sums() {
  differences_.clear(stream_);
  for (size_t a = 0; a < sums_.size(); ++a) {
    const StoredParameter& stored = sources_.store.arrays()[a];
    if (!sources_.store.is_learned_expert(stored.expert)) continue;
    if (!sums_[a]) sums_[a] = sources_.arithmetic.allocate(stored.array.bytes());
    sources_.arithmetic.set_zero(sums_[a].get(), stored.array.bytes(), stream_);
  }
}

bool PieceGradient::is_learned(size_t evaluation) const {
  return expert_[evaluation] >= 0 && sources_.store.is_learned_expert(static_cast<size_t>(expert_[evaluation]));
}

/// A leaf that is learned has a rate that is not the same in every state.
bool PieceGradient::rates_vary() const {
  for (size_t e = 0; e < models_.size(); ++e)
    if (is_learned(e) && !sources_.order.evaluations[e].constant_rate) return true;
  return false;
}

size_t PieceGradient::row_bytes(const PlannedInput& input) const {
  return static_cast<size_t>(input.size) * (input.categorical ? 8 : bytes_of(sources_.options.precision));
}

int64_t PieceGradient::bytes_of_input(const PlannedEvaluation& evaluation, const PlannedInput& input) const {
  return bytes_a_chain(evaluation, input, sources_.options.precision);
}

/// Energies of all leaves and, where something moves, their slopes; then the rates of all leaves, and theirs.
void PieceGradient::find_rates() {
  const Program& program = sources_.order.program;
  for (size_t e = 0; e < models_.size(); ++e) evaluate_leaf(e);
  const ProgramRun run = {program_memory(), stride_, chains_, true};
  sources_.arithmetic.finish(evaluated_.data(), static_cast<int>(evaluated_.size()), program, run,
                             reinterpret_cast<double*>(at(layout_.total)), stream_);
  if (any_moves_) sources_.arithmetic.run_slopes(program, run, slopes(), stream_);
}

void PieceGradient::evaluate_leaf(size_t e) {
  const PlannedEvaluation& evaluation = sources_.order.evaluations[e];
  const Model& model = *models_[e];
  double* energy = sources_.order.program.values(program_memory(), stride_, evaluation.slot);
  bind_inputs(evaluation);
  const bool any = place_moving(evaluation, layout_.gradients, gradient_);
  place_moving(evaluation, layout_.tangents, moved_);
  in_calls(evaluation, chains_ * evaluation.parts, [&](potluck_call& call, int64_t first) {
    if (any) call.gradient = next_gradient_.data();
    if (!evaluation.normaliser) {
      call.energy = energy + first;
      model.evaluate(call);
    } else if (!model.log_normaliser(call, energy + first)) {
      throw PluginError("model '" + model.kind().name + "' must know its log Z for all parents, got none for these");
    }
  });
  evaluated_[e] = {energy, evaluation.parts, nullptr};
  if (any_moves_) find_slope(evaluation);
}

/// t . dE/dx of every row.
void PieceGradient::find_slope(const PlannedEvaluation& evaluation) {
  double* slope = sources_.order.program.values(slopes(), stride_, evaluation.slot);
  const int64_t rows = chains_ * evaluation.parts;
  RowRates once;
  once.parts = evaluation.parts;
  bool fresh = true;
  for (size_t i = 0; i < evaluation.inputs.size(); ++i) {
    if (!moves(evaluation.inputs[i])) continue;
    gather_tangent(evaluation.inputs[i], once, moved_[i]);
    sources_.arithmetic.slope_along(gradient_[i], moved_[i], rows, evaluation.inputs[i].size, fresh, slope, stream_);
    fresh = false;
  }
  if (fresh) sources_.arithmetic.set_zero(slope, static_cast<size_t>(rows) * sizeof(double), stream_);
}

RowRates PieceGradient::rates_of(const PlannedEvaluation& evaluation) const {
  const Program& program = sources_.order.program;
  RowRates rates;
  rates.constant = evaluation.rate;
  rates.parts = evaluation.parts;
  if (evaluation.constant_rate) return rates;
  rates.rate = program.rates(program_memory(), stride_, evaluation.slot);
  if (any_moves_) rates.slope = program.rates(slopes(), stride_, evaluation.slot);
  return rates;
}

void PieceGradient::add_leaf(size_t e) {
  const PlannedEvaluation& evaluation = sources_.order.evaluations[e];
  const RowRates rates = rates_of(evaluation);
  const bool moved = place_moving(evaluation, layout_.tangents, moved_), weighed = cotangent_ || rates.slope;
  if (!moved && !weighed) return;
  bind_inputs(evaluation);
  std::fill(gradient_.begin(), gradient_.end(), nullptr);
  for (size_t i = 0; i < evaluation.inputs.size(); ++i)
    if (moved_[i]) gather_tangent(evaluation.inputs[i], rates, moved_[i]);
  double* cotangent = reinterpret_cast<double*>(at(layout_.cotangents));
  sources_.arithmetic.cotangent_rows(cotangent_, rates, chains_, cotangent, stream_);
  const int64_t rows = keep_active_rows(evaluation, rates, moved, cotangent);
  add_model(e, rows, weighed ? cotangent : nullptr, moved);
}

void PieceGradient::add_model(size_t e, int64_t rows, const double* cotangent, bool moved) {
  const ParameterExpert& expert = sources_.store.experts()[static_cast<size_t>(expert_[e])];
  for (size_t i = 0; i < expert.count; ++i) sum_[i] = sums_[expert.first + i].get();
  in_calls(sources_.order.evaluations[e], rows, [&](const potluck_call& call, int64_t first) {
    if (add_call(e, call, cotangent ? cotangent + first : nullptr, moved)) return;
    throw PluginError(
        fmt::format("model '{0}' must differentiate its energy by the parameters of '{1}', got POTLUCK_UNSUPPORTED. "
                    "Freeze '{1}', or ask its author",
                    expert.model, expert.name));
  });
}

/// A model that refuses tangents is asked for cotangents alone, and for central differences of those. False where it
/// refuses these too.
bool PieceGradient::add_call(size_t e, const potluck_call& call, const double* cotangent, bool moved) {
  const Model& model = *models_[e];
  if (model.parameter_gradient(call, cotangent, moved ? next_moved_.data() : nullptr, sum_.data())) return true;
  if (!moved) return false;
  if (cotangent && !model.parameter_gradient(call, cotangent, nullptr, sum_.data())) return false;
  return differences_.add(model, sources_.order.evaluations[e],
                          sources_.store.experts()[static_cast<size_t>(expert_[e])], call, next_moved_.data());
}

void PieceGradient::bind_inputs(const PlannedEvaluation& evaluation) {
  input_rows_.bind(evaluation, {position_.data(), chains_, stride_, at(layout_.inputs), stream_}, input_.data());
}

/// Gives each input that moves a place of its own from `begin` on, the others null. True where one does.
template <class Pointer>
bool PieceGradient::place_moving(const PlannedEvaluation& evaluation, int64_t begin, std::vector<Pointer>& places) {
  bool any = false;
  for (size_t i = 0; i < evaluation.inputs.size(); ++i) {
    const PlannedInput& input = evaluation.inputs[i];
    places[i] = nullptr;
    if (!moves(input)) continue;
    any = true;
    places[i] = at(begin);
    begin += bytes_of_input(evaluation, input);
  }
  return any;
}

void PieceGradient::gather_tangent(const PlannedInput& input, const RowRates& rates, void* rows) const {
  TangentRows from;
  from.tangent = tangent_[v_of(input)];
  from.elements = input.whole ? nullptr : &input.elements;
  from.held = static_cast<const uint8_t*>(held_[v_of(input)].get());
  from.n = sources_.composition.variables[v_of(input)].size();
  sources_.arithmetic.tangent_rows(from, rates, chains_, rows, stream_);
}

/// Calls `model(call, first row)` for `rows` rows of an evaluation, no more at a time than its literals have.
template <class Call>
void PieceGradient::in_calls(const PlannedEvaluation& evaluation, int64_t rows, Call model) {
  for (int64_t done = 0; done < rows; done += evaluation.rows_of_a_call) {
    potluck_call call{};
    call.size = sizeof(call);
    call.rows = std::min(rows - done, evaluation.rows_of_a_call);
    for (size_t i = 0; i < evaluation.inputs.size(); ++i) {
      const PlannedInput& input = evaluation.inputs[i];
      next_input_[i] = row_of(input_[i], input.variable < 0 ? 0 : done, row_bytes(input));
      next_gradient_[i] = row_of(gradient_[i], done, row_bytes(input));
      next_moved_[i] = row_of(moved_[i], done, row_bytes(input));
    }
    call.input = next_input_.data();
    call.threads = 1;
    call.workspace = at(layout_.model);
    call.stream = stream_;
    model(call, done);
  }
}

/// Closes up the rows that add something, on the CPU: how many they are. The others may be at an energy of +infinity,
/// where no derivative means anything.
int64_t PieceGradient::keep_active_rows(const PlannedEvaluation& evaluation, const RowRates& rates, bool moved,
                                        double* cotangent) {
  const int64_t rows = chains_ * evaluation.parts;
  if (!on_cpu_) return rows;
  active_.clear();
  for (int64_t row = 0; row < rows; ++row)
    if (cotangent[row] != 0 || (moved && (rates.rate ? rates.rate[row] : rates.constant) != 0)) active_.push_back(row);
  const auto count = static_cast<int64_t>(active_.size());
  if (count == rows) return rows;
  // Whole variables are the caller's: their rows go behind those that were gathered.
  int64_t free = layout_.inputs;
  for (const PlannedInput& input : evaluation.inputs)
    if (input.asked && input.variable >= 0 && !input.whole) free += bytes_of_input(evaluation, input);
  for (size_t i = 0; i < evaluation.inputs.size(); ++i) {
    const PlannedInput& input = evaluation.inputs[i];
    if (moved_[i]) close_up(active_, row_bytes(input), moved_[i], moved_[i]);
    if (!input.asked || input.variable < 0) continue;
    void* to = input.whole ? at(free) : const_cast<void*>(input_[i]);
    close_up(active_, row_bytes(input), input_[i], to);
    input_[i] = to;
    if (input.whole) free += bytes_of_input(evaluation, input);
  }
  close_up(active_, sizeof(double), cotangent, cotangent);
  return count;
}

}  // namespace potluck
