// SPDX-License-Identifier: Apache-2.0
#include "plugins/model.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstring>
#include <functional>
#include <limits>
#include <numeric>

#include "plugins/guarded_call.h"
#include "plugins/library.h"
#include "plugins/memory_size.h"
#include "plugins/model_fault.h"
#include "plugins/plugin_call.h"
#include "plugins/process_state.h"

namespace potluck {

namespace {

template <typename Described>
int index_of(const std::vector<Described>& all, const std::string& name) {
  const auto found = std::find_if(all.begin(), all.end(), [&](const Described& one) { return one.name == name; });
  return found == all.end() ? -1 : static_cast<int>(found - all.begin());
}

constexpr const char* kMoreMemory =
    "Use smaller variables or fewer chains, or raise the limits on memory (ulimit -v, ulimit -d, a container's)";

std::string device_in_words(const Device& device) {
  return device.kind == Device::Kind::kCpu ? "cpu" : fmt::format("cuda:{}", device.index);
}

}  // namespace

int ModelKind::input(const std::string& input_name) const { return index_of(inputs, input_name); }
int ModelKind::setting(const std::string& setting_name) const { return index_of(settings, setting_name); }
bool ModelKind::has_gaussian_part() const {
  constexpr size_t kBytes = offsetof(potluck_model_kind, gaussian_part) + sizeof(potluck_model_kind::gaussian_part);
  return table != nullptr && table->size >= kBytes && table->gaussian_part != nullptr;
}
bool ModelKind::has_statistics() const {
  constexpr size_t kBytes = offsetof(potluck_model_kind, fit) + sizeof(potluck_model_kind::fit);
  return table != nullptr && table->size >= kBytes && table->statistics != nullptr &&
         table->add_statistics != nullptr && table->fit != nullptr;
}
bool ModelKind::has_log_normaliser_gradient() const {
  constexpr size_t kBytes =
      offsetof(potluck_model_kind, log_normaliser_gradient) + sizeof(potluck_model_kind::log_normaliser_gradient);
  return table != nullptr && table->size >= kBytes && table->log_normaliser_gradient != nullptr;
}

int64_t Slot::size() const {
  return left_out ? 0 : std::accumulate(shape.begin(), shape.end(), int64_t{1}, std::multiplies<>());
}

/// Everything that the created model and the calls on it need. The plugin's own model dies with it.
struct Model::State {
  State(const ModelKind& kind_, const ModelSetup& setup_) : kind(kind_), setup(setup_) {
    if (setup.slots.size() != kind.inputs.size() || setup.values.size() != kind.settings.size()) {
      throw PluginError(fmt::format("{}: its setup must have {} inputs and {} settings, got {} and {}", name(),
                                    kind.inputs.size(), kind.settings.size(), setup.slots.size(), setup.values.size()));
    }
    for (size_t i = 0; i < setup.slots.size(); ++i) {
      if (setup.slots[i].left_out && !kind.inputs[i].optional)
        throw PluginError(
            fmt::format("{}: its input '{}' must be bound, since it is not optional, got one that is left "
                        "out",
                        name(), kind.inputs[i].name));
    }
    if (setup.device.kind == Device::Kind::kCuda && kind.plugin_torch != "none") open_cuda_for_libtorch();
    create();
    try {
      read_facts();
      check_device_and_precision();
    } catch (...) {
      destroy();
      throw;
    }
  }
  ~State() { destroy(); }
  State(const State&) = delete;
  State& operator=(const State&) = delete;

  void open_cuda_for_libtorch() const {
    try {
      open_libtorch_cuda();
    } catch (const PluginError& error) {
      throw PluginError(fmt::format("{} {}", name(), error.what()));
    }
  }
  void create();
  void destroy() {
    const ProcessStateGuard guard;
    const PluginCallScope scope(call_of(kind, "destroy"));
    const WatchedCall watched;
    kind.table->destroy(model);
  }
  void read_facts();
  /// @throws ModelFault where this machine has less memory than evaluations of `rows` rows are to be given
  void check_workspace(int64_t rows) const;
  void check_device_and_precision() const;

  std::string name() const { return fmt::format("model '{}' ({} {})", kind.name, kind.plugin_id, kind.plugin_version); }
  /// "image [28, 28], label [] of 10 categories"
  std::string shapes() const;
  std::string about_in_words(int32_t about, int32_t index) const;
  [[noreturn]] void fail(const char* call, int64_t rows, int status, Complaint& complaint) const {
    std::string why = complaint.text();
    if (why.empty()) why = status_in_words(status);
    const std::string text = fmt::format(
        "{} failed in {} ({}{}; {} on {}): {}", name(), call, rows > 0 ? fmt::format("{} rows of ", rows) : "",
        shapes(), setup.precision == Precision::kFloat32 ? "float32" : "float64", device_in_words(setup.device), why);
    if (status == POTLUCK_OUT_OF_MEMORY) throw MachineError(text + ". " + kMoreMemory);
    throw ModelFault(text);
  }

  const ModelKind& kind;
  ModelSetup setup;
  potluck_model* model = nullptr;
  potluck_facts facts{};
};

std::string Model::State::shapes() const {
  std::vector<std::string> parts;
  for (size_t i = 0; i < setup.slots.size(); ++i) {
    const Slot& slot = setup.slots[i];
    if (slot.left_out) continue;
    parts.push_back(fmt::format("{} [{}]", kind.inputs[i].name, fmt::join(slot.shape, ", ")));
    if (slot.categories > 0) parts.back() += fmt::format(" of {} categories", slot.categories);
  }
  return fmt::format("{}", fmt::join(parts, ", "));
}

std::string Model::State::about_in_words(int32_t about, int32_t index) const {
  const auto at = static_cast<size_t>(index);
  if (about == POTLUCK_ABOUT_SETTING && at < kind.settings.size()) return "setting '" + kind.settings[at].name + "': ";
  if (about == POTLUCK_ABOUT_INPUT && at < kind.inputs.size()) return "input '" + kind.inputs[at].name + "': ";
  if (about == POTLUCK_ABOUT_WEIGHT && at < setup.weights.size()) return "weights '" + setup.weights[at].name + "': ";
  return "";
}

void Model::State::create() {
  // The structs that are passed, and the arrays of pointers to them. The plugin keeps copies only.
  std::vector<potluck_slot> slots;
  for (const Slot& slot : setup.slots) {
    slots.push_back({sizeof(potluck_slot), static_cast<int64_t>(slot.shape.size()), slot.shape.data(), slot.categories,
                     slot.least.empty() ? nullptr : slot.least.data(), slot.most.empty() ? nullptr : slot.most.data(),
                     slot.held.empty() ? nullptr : slot.held.data(), slot.held.empty() ? nullptr : slot.value.data()});
  }
  std::vector<std::vector<const char*>> texts(setup.values.size());
  std::vector<potluck_value> values;
  for (size_t i = 0; i < setup.values.size(); ++i) {
    const SettingValue& value = setup.values[i];
    for (const std::string& text : value.text) texts[i].push_back(text.c_str());
    values.push_back({sizeof(potluck_value), value.count(), value.integer.data(), value.real.data(), texts[i].data()});
  }
  std::vector<potluck_array> weights;
  for (const Weight& weight : setup.weights) {
    weights.push_back({sizeof(potluck_array), weight.name.c_str(), weight.type, POTLUCK_CPU,
                       static_cast<int64_t>(weight.shape.size()), weight.shape.data(),
                       const_cast<std::byte*>(weight.bytes.data()), 0});
  }
  const auto pointers = [](const auto& structs) {
    std::vector<const typename std::decay_t<decltype(structs)>::value_type*> all;
    for (const auto& one : structs) all.push_back(&one);
    return all;
  };
  auto slot_pointers = pointers(slots);
  for (size_t i = 0; i < slots.size(); ++i)
    if (setup.slots[i].left_out) slot_pointers[i] = nullptr;
  const auto value_pointers = pointers(values);
  const auto weight_pointers = pointers(weights);
  const potluck_setup passed = {sizeof(potluck_setup),  static_cast<int32_t>(setup.device.kind),
                                setup.device.index,     static_cast<int32_t>(setup.precision),
                                setup.most_rows,        slot_pointers.data(),
                                value_pointers.data(),  static_cast<int64_t>(weights.size()),
                                weight_pointers.data(), {setup.initial_key[0], setup.initial_key[1]}};
  Complaint complaint;
  int status;
  {
    const OpenDescriptors before;
    const ProcessStateGuard guard;
    status = ask(kind, "create", kind.table->create, complaint, &passed, &model);
    if (const std::vector<int> lost = before.lost(); !lost.empty()) {
      throw ModelFault(
          fmt::format("{} closed descriptors of the process in create: {}. A model closes what it opened itself",
                      name(), fmt::join(lost, ", ")));
    }
  }
  if (status == POTLUCK_OK && model == nullptr) {
    throw ModelFault(fmt::format("{}: create must leave a model where it answers POTLUCK_OK, got none", name()));
  }
  if (status != POTLUCK_OK) {
    std::string why = complaint.text();
    if (why.empty()) why = about_in_words(complaint.about(), complaint.index()) + status_in_words(status);
    const std::string text = fmt::format("{} refused {}: {}", name(), shapes(), why);
    if (status == POTLUCK_OUT_OF_MEMORY) throw MachineError(text + ". " + kMoreMemory);
    if (complaint.threw())
      throw ModelFault(fmt::format("{} let an exception out in create ({}): {}. A model returns a status instead",
                                   name(), shapes(), why));
    // What could be said differently in the composition is refused by these; others are the plugin's own affair.
    if (status != POTLUCK_BAD_SETTING && status != POTLUCK_BAD_SHAPE && status != POTLUCK_UNSUPPORTED)
      throw ModelFault(text);
    throw ModelCreateError(text, status, complaint.about(), complaint.index());
  }
  setup.weights = {};
}

void Model::State::read_facts() {
  facts.size = sizeof(potluck_facts);
  facts.least_energy = -std::numeric_limits<double>::infinity();
  Complaint complaint;
  const int status = ask(kind, "facts", kind.table->facts, complaint, model, &facts);
  if (status != POTLUCK_OK) fail("facts", 0, status, complaint);
  // Those of version 1.0 end with draw_uniforms. A plugin that is newer than this host may say more.
  constexpr size_t kLeast = offsetof(potluck_facts, preferred_rows), kMost = 65536;
  if (facts.size < kLeast || facts.size > kMost) {
    throw ModelFault(fmt::format("{}: its facts must keep the size that they were given, {} bytes, got {}", name(),
                                 sizeof(potluck_facts), facts.size));
  }
  if ((facts.abilities & (POTLUCK_CAN_CPU | POTLUCK_CAN_CUDA)) == 0) {
    throw ModelFault(fmt::format("{}: its facts must name a device it can run on, got none", name()));
  }
  if (std::isnan(facts.least_energy) || facts.least_energy == std::numeric_limits<double>::infinity()) {
    throw ModelFault(fmt::format("{}: its least_energy must be a number or -inf, got {}", name(), facts.least_energy));
  }
  if (facts.draw_uniforms < 0) {
    throw ModelFault(fmt::format("{}: its draw_uniforms must be >= 0, got {}", name(), facts.draw_uniforms));
  }
  if ((facts.abilities & POTLUCK_BATCH_INVARIANT) != 0) facts.abilities |= POTLUCK_ROWS_ALONE;
  if (facts.preferred_rows < 0) {
    throw ModelFault(fmt::format("{}: its preferred_rows must be >= 0, got {}", name(), facts.preferred_rows));
  }
  check_workspace(setup.most_rows);
  if (8 * static_cast<double>(facts.draw_uniforms) > memory_of_machine()) {
    throw ModelFault(
        fmt::format("{}: its draw_uniforms must fit into the memory of this machine, {}, got {}. Ask its "
                    "author",
                    name(), size_in_words(memory_of_machine()), facts.draw_uniforms));
  }
}

void Model::State::check_workspace(int64_t rows) const {
  const double bytes = static_cast<double>(facts.workspace_bytes) +
                       static_cast<double>(rows) * static_cast<double>(facts.workspace_bytes_a_row);
  if (bytes <= memory_of_machine()) return;
  throw ModelFault(fmt::format(
      "{}: the workspace that its facts ask for ({} bytes, and {} for each of {} rows) must fit into the memory of "
      "this "
      "machine, {}, got {}. {}",
      name(), facts.workspace_bytes, facts.workspace_bytes_a_row, rows, size_in_words(memory_of_machine()),
      size_in_words(bytes),
      static_cast<double>(facts.workspace_bytes) < memory_of_machine() ? "Use fewer chains, or ask its author"
                                                                       : "Ask its author"));
}

void Model::State::check_device_and_precision() const {
  const bool on_cpu = setup.device.kind == Device::Kind::kCpu;
  if ((facts.abilities & (on_cpu ? POTLUCK_CAN_CPU : POTLUCK_CAN_CUDA)) == 0) {
    throw PluginError(
        fmt::format("expert '{}' ({} {}) runs on {} only, the run is on {}. Use --device {}, or ask its author for {}",
                    kind.name, kind.plugin_id, kind.plugin_version, on_cpu ? "cuda" : "cpu",
                    device_in_words(setup.device), on_cpu ? "cuda" : "cpu", on_cpu ? "the CPU" : "CUDA"));
  }
  if (setup.precision == Precision::kFloat64 && (facts.abilities & POTLUCK_CAN_FLOAT64) == 0) {
    throw PluginError(fmt::format(
        "expert '{}' ({} {}) computes in float32 only, the run is in float64. Use float32, or ask its author for "
        "float64",
        kind.name, kind.plugin_id, kind.plugin_version));
  }
}

Model::Model(const ModelKind& kind, const ModelSetup& setup) : state_(std::make_unique<State>(kind, setup)) {}
Model::~Model() = default;
Model::Model(Model&&) noexcept = default;
Model& Model::operator=(Model&&) noexcept = default;

const ModelKind& Model::kind() const { return state_->kind; }
const ModelSetup& Model::setup() const { return state_->setup; }
const potluck_facts& Model::facts() const { return state_->facts; }

potluck_model* Model::plugin_model() const { return state_->model; }

size_t Model::workspace_bytes(int64_t rows) const {
  state_->check_workspace(rows);
  return facts().workspace_bytes + static_cast<size_t>(rows) * facts().workspace_bytes_a_row;
}

void Model::evaluate(const potluck_call& call) const {
  Complaint complaint;
  const int status = ask(state_->kind, "evaluate", state_->kind.table->evaluate, complaint, state_->model, &call);
  if (status != POTLUCK_OK) state_->fail("evaluate", call.rows, status, complaint);
}

bool Model::log_normaliser(const potluck_call& given, double* log_z) const {
  const auto function = state_->kind.table->log_normaliser;
  if (function == nullptr) return false;
  Complaint complaint;
  const int status = ask(state_->kind, "log_normaliser", function, complaint, state_->model, &given, log_z);
  if (status != POTLUCK_OK && status != POTLUCK_UNSUPPORTED) {
    state_->fail("log_normaliser", given.rows, status, complaint);
  }
  return status == POTLUCK_OK;
}

std::optional<Model::Quadratic> Model::quadratic(const void* const* input) const {
  const auto function = state_->kind.table->quadratic;
  if (function == nullptr) return std::nullopt;
  Quadratic form;
  for (size_t i = 0; i < state_->setup.slots.size(); ++i) {
    if (input[i] != nullptr || state_->setup.slots[i].left_out) continue;
    if (state_->kind.inputs[i].categorical) return std::nullopt;  // only continuous inputs can be left open
    form.n += state_->setup.slots[i].size();
  }
  const auto n = static_cast<size_t>(form.n);
  form.precision.resize(n * n);
  form.linear.resize(n);
  potluck_call given{};
  given.size = sizeof given;
  given.rows = 1;
  given.input = input;
  given.threads = 1;
  Complaint complaint;
  const int status = ask(state_->kind, "quadratic", function, complaint, state_->model, &given, form.precision.data(),
                         form.linear.data(), &form.constant);
  if (status == POTLUCK_UNSUPPORTED) return std::nullopt;
  if (status != POTLUCK_OK) state_->fail("quadratic", 1, status, complaint);
  return form;
}

std::optional<Model::GaussianPart> Model::gaussian_part(const void* const* input) const {
  if (!state_->kind.has_gaussian_part()) return std::nullopt;
  size_t n = 0;
  for (size_t i = 0; i < state_->setup.slots.size(); ++i) {
    const InputDescription& description = state_->kind.inputs[i];
    if (!description.categorical && !description.parent) n += static_cast<size_t>(state_->setup.slots[i].size());
  }
  GaussianPart part{std::vector<double>(n), std::vector<double>(n)};
  potluck_call given{};
  given.size = sizeof given;
  given.rows = 1;
  given.input = input;
  given.threads = 1;
  Complaint complaint;
  const int status = ask(state_->kind, "gaussian_part", state_->kind.table->gaussian_part, complaint, state_->model,
                         &given, part.curvature.data(), part.mean.data());
  if (status == POTLUCK_UNSUPPORTED) return std::nullopt;
  if (status != POTLUCK_OK) state_->fail("gaussian_part", 1, status, complaint);
  for (size_t j = 0; j < n; ++j) {
    if (std::isfinite(part.curvature[j]) && std::isfinite(part.mean[j])) continue;
    throw ModelFault(
        fmt::format("{}: its Gaussian part must have finite numbers, got curvature {} and mean {} of number "
                    "{}. Ask its author",
                    state_->name(), part.curvature[j], part.mean[j], j));
  }
  return part;
}

bool Model::category_energies(const potluck_call& call, int32_t input, double* energy) const {
  const auto function = state_->kind.table->category_energies;
  if (function == nullptr) return false;
  Complaint complaint;
  const int status = ask(state_->kind, "category_energies", function, complaint, state_->model, &call, input, energy);
  if (status != POTLUCK_OK && status != POTLUCK_UNSUPPORTED) {
    state_->fail("category_energies", call.rows, status, complaint);
  }
  return status == POTLUCK_OK;
}

bool Model::draw(const potluck_call& given, const uint8_t* const* held, const double* uniforms,
                 void* const* out) const {
  const auto function = state_->kind.table->draw;
  if (function == nullptr || facts().draw_uniforms == 0) return false;
  Complaint complaint;
  const int status = ask(state_->kind, "draw", function, complaint, state_->model, &given, held, uniforms, out);
  if (status != POTLUCK_OK && status != POTLUCK_UNSUPPORTED) state_->fail("draw", given.rows, status, complaint);
  return status == POTLUCK_OK;
}

std::vector<ModelParameter> Model::parameters() {
  const auto function = state_->kind.table->parameters;
  if (function == nullptr) return {};
  int64_t count = 0;
  potluck_array* const* arrays = nullptr;
  Complaint complaint;
  const int status = ask(state_->kind, "parameters", function, complaint, state_->model, &count, &arrays);
  if (status == POTLUCK_UNSUPPORTED) return {};
  if (status != POTLUCK_OK) state_->fail("parameters", 0, status, complaint);
  return read_parameters(state_->name(), state_->setup.device, count, arrays);
}

void Model::parameters_changed(void* stream) {
  const auto function = state_->kind.table->parameters_changed;
  if (function == nullptr) return;
  Complaint complaint;
  const int status = ask(state_->kind, "parameters_changed", function, complaint, state_->model, stream);
  if (status != POTLUCK_OK && status != POTLUCK_UNSUPPORTED) state_->fail("parameters_changed", 0, status, complaint);
}

bool Model::parameter_gradient(const potluck_call& call, const double* cotangent, const void* const* tangent,
                               void* const* sum) const {
  const auto function = state_->kind.table->parameter_gradient;
  if (function == nullptr) return false;
  Complaint complaint;
  const int status =
      ask(state_->kind, "parameter_gradient", function, complaint, state_->model, &call, cotangent, tangent, sum);
  if (status != POTLUCK_OK && status != POTLUCK_UNSUPPORTED)
    state_->fail("parameter_gradient", call.rows, status, complaint);
  return status == POTLUCK_OK;
}

std::optional<Model::Statistics> Model::statistics() const {
  if (!state_->kind.has_statistics()) return std::nullopt;
  int64_t count = 0;
  int32_t closed_form = 0;
  Complaint complaint;
  const int status =
      ask(state_->kind, "statistics", state_->kind.table->statistics, complaint, state_->model, &count, &closed_form);
  if (status == POTLUCK_UNSUPPORTED) return std::nullopt;
  if (status != POTLUCK_OK) state_->fail("statistics", 0, status, complaint);
  if (count < 1 || static_cast<double>(count) * sizeof(double) > memory_of_machine())
    throw ModelFault(
        fmt::format("{}: its statistics must be a number > 0 of numbers that fit into memory, got {}. Ask its author",
                    state_->name(), count));
  return Statistics{count, closed_form != 0};
}

void Model::add_statistics(const potluck_call& call, int64_t round, double* sum) const {
  Complaint complaint;
  const int status = ask(state_->kind, "add_statistics", state_->kind.table->add_statistics, complaint, state_->model,
                         &call, round, sum);
  if (status != POTLUCK_OK) state_->fail("add_statistics", call.rows, status, complaint);
}

void Model::fit(int64_t round, const double* sum) {
  Complaint complaint;
  const int status = ask(state_->kind, "fit", state_->kind.table->fit, complaint, state_->model, round, sum);
  if (status != POTLUCK_OK) state_->fail("fit", 0, status, complaint);
}

bool Model::log_normaliser_gradient(const potluck_call& given, const double* cotangent, void* const* sum) const {
  if (!state_->kind.has_log_normaliser_gradient()) return false;
  Complaint complaint;
  const int status = ask(state_->kind, "log_normaliser_gradient", state_->kind.table->log_normaliser_gradient,
                         complaint, state_->model, &given, cotangent, sum);
  if (status != POTLUCK_OK && status != POTLUCK_UNSUPPORTED)
    state_->fail("log_normaliser_gradient", given.rows, status, complaint);
  return status == POTLUCK_OK;
}

}  // namespace potluck
