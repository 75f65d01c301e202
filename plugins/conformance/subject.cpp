// SPDX-License-Identifier: Apache-2.0
#include "plugins/conformance/subject.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <exception>
#include <optional>
#include <set>

#include "core/random/philox.h"
#include "plugins/conformance/settings_to_try.h"
#include "plugins/conformance/start_points.h"

namespace potluck::conformance {

namespace {

constexpr size_t kMostSetups = 1000;

Slot with_support(Slot slot, const ConformanceOptions& options, const std::string& input) {
  const auto support = options.supports.find(input);
  if (support == options.supports.end()) return slot;
  slot.least.assign(static_cast<size_t>(slot.size()), support->second.first);
  slot.most.assign(static_cast<size_t>(slot.size()), support->second.second);
  return slot;
}

/// What may be bound to one input, likeliest first.
std::vector<Slot> slots_to_try(const InputDescription& input, const ConformanceOptions& options, bool narrow) {
  if (options.left_out.count(input.name) > 0) {
    Slot left_out;
    left_out.left_out = true;
    return {left_out};
  }
  std::set<int64_t> lengths;  // of the weights: a mean [784] asks for 784 pixels
  for (const Weight& weight : options.weights) lengths.insert(weight.shape.begin(), weight.shape.end());

  std::vector<std::vector<int64_t>> shapes = {{3}, {4, 4}, {}, {1}, {2}, {8, 8}, {28, 28}, {3, 8, 8}};
  if (input.categorical) shapes = {{}, {1}, {3}, {4, 4}};
  if (narrow && !input.parent) shapes = {{1}, {2}, {}, {1, 1}, {1, 2}};
  if (!narrow)
    for (const int64_t length : lengths) shapes.push_back({length});
  const auto asked = shape_asked(options, input.name);
  const bool fits = asked && (!narrow || input.parent || (count_of(*asked) >= 1 && count_of(*asked) <= 2));
  if (fits) shapes = {*asked};

  std::vector<int64_t> categories = {0};
  if (input.categorical) {
    categories = {3, 2, 10};
    categories.insert(categories.end(), lengths.begin(), lengths.end());
    const auto said = options.categories.find(input.name);
    if (said != options.categories.end()) categories = {said->second};
  }
  std::vector<Slot> slots;
  for (const auto& shape : shapes)
    for (const int64_t count : categories) slots.push_back(with_support({shape, count, {}, {}}, options, input.name));
  return slots;
}

template <typename Value>
void check_inputs(const ModelKind& kind, const std::map<std::string, Value>& named, const char* option) {
  std::vector<std::string> known;
  for (const InputDescription& input : kind.inputs) known.push_back(input.name);
  for (const auto& [name, value] : named) {
    if (kind.input(name) >= 0) continue;
    const auto near = nearest_name(name, known);
    throw SettingError("",
                       fmt::format("{}: must be an input of model '{}', got '{}'.{} Known: {}", option, kind.name, name,
                                   near ? fmt::format(" Did you mean '{}'?", *near) : "", fmt::join(known, ", ")),
                       near.value_or(""));
  }
}

/// How far a setup came that failed with `error`: past the inputs before the one that was refused; past all of them;
/// past create().
size_t how_far(const ModelKind& kind, const Error& error) {
  const auto* const refused = dynamic_cast<const ModelCreateError*>(&error);
  if (refused == nullptr) return kind.inputs.size() + 1;
  if (refused->about == POTLUCK_ABOUT_INPUT && refused->index >= 0)
    return std::min(static_cast<size_t>(refused->index), kind.inputs.size());
  return refused->status == POTLUCK_BAD_SHAPE ? 0 : kind.inputs.size();
}

void check_left_out(const ModelKind& kind, const ConformanceOptions& options) {
  std::map<std::string, bool> named;
  for (const std::string& name : options.left_out) named[name] = true;
  check_inputs(kind, named, "--without");
  for (const InputDescription& input : kind.inputs) {
    if (named.count(input.name) == 0 || input.optional) continue;
    throw SettingError(fmt::format(
        "--without: must be an optional input of model '{}', got '{}', which it always reads", kind.name, input.name));
  }
}

}  // namespace

std::vector<SettingValue> setting_values(const ModelKind& kind, const ConformanceOptions& options) {
  check_inputs(kind, options.shapes, "--shape");
  check_inputs(kind, options.categories, "--categories");
  check_inputs(kind, options.supports, "--support");
  check_inputs(kind, options.starts, "--start");
  check_left_out(kind, options);
  check_starts(kind, options);
  std::vector<std::string> known;
  for (const SettingDescription& setting : kind.settings) known.push_back(setting.name);
  for (const auto& [name, words] : options.settings) {
    if (kind.setting(name) >= 0) continue;
    const auto near = nearest_name(name, known);
    throw SettingError("",
                       fmt::format("--set: must be a setting of model '{}', got '{}'.{} {}", kind.name, name,
                                   near ? fmt::format(" Did you mean '{}'?", *near) : "",
                                   known.empty() ? "It has none" : fmt::format("Known: {}", fmt::join(known, ", "))),
                       near.value_or(""));
  }
  std::vector<SettingValue> values;
  for (const SettingDescription& setting : kind.settings) {
    const auto given = options.settings.find(setting.name);
    values.push_back(given == options.settings.end() ? preset_value(setting, setting.name)
                                                     : parse_setting(setting, given->second, setting.name));
  }
  return values;
}

Subject::Subject(const ModelKind& kind, const ConformanceOptions& options)
    : kind_(kind), options_(options), values_(setting_values(kind, options)) {
  std::exception_ptr refusal;
  size_t furthest = 0;
  for (const std::vector<Slot>& slots : candidates(false)) {
    try {
      const Model model = create(Precision::kFloat32, slots, values_);
      slots_ = slots;
      abilities_ = model.facts().abilities;
      return;
    } catch (const Error& error) {
      const size_t came = how_far(kind, error);
      if (refusal != nullptr && came <= furthest) continue;
      refusal = std::current_exception();
      furthest = came;
    }
  }
  if (refusal != nullptr) std::rethrow_exception(refusal);
  throw PluginError(fmt::format("model '{}' has no inputs", kind.name));
}

std::vector<std::vector<Slot>> Subject::candidates(bool narrow) const {
  std::vector<std::vector<Slot>> all = {{}};
  for (const InputDescription& input : kind_.inputs) {
    std::vector<std::vector<Slot>> longer;
    for (const std::vector<Slot>& before : all) {
      for (const Slot& slot : slots_to_try(input, options_, narrow)) {
        if (longer.size() == kMostSetups) break;
        longer.push_back(before);
        longer.back().push_back(slot);
      }
    }
    all = std::move(longer);
  }
  return all;
}

bool Subject::accepts(const NarrowSetup& setup) const {
  try {
    create(setup);
    return true;
  } catch (const Error&) {
    return false;
  }
}

Precision Subject::best_precision() const {
  return can(POTLUCK_CAN_FLOAT64) ? Precision::kFloat64 : Precision::kFloat32;
}

std::string Subject::describe() const {
  std::vector<std::string> parts;
  for (size_t i = 0; i < slots_.size(); ++i) {
    if (slots_[i].left_out) {
      parts.push_back(fmt::format("without {}", kind_.inputs[i].name));
      continue;
    }
    parts.push_back(fmt::format("{} [{}]", kind_.inputs[i].name, fmt::join(slots_[i].shape, ", ")));
    if (slots_[i].categories > 0) parts.back() += fmt::format(" of {} categories", slots_[i].categories);
    if (!slots_[i].least.empty()) parts.back() += fmt::format(" in [{}, {}]", slots_[i].least[0], slots_[i].most[0]);
  }
  return fmt::format("{}", fmt::join(parts, ", "));
}

Model Subject::create(Precision precision, const std::vector<Slot>& slots, const std::vector<SettingValue>& values,
                      Device device, bool with_weights) const {
  ModelSetup setup;
  setup.device = device;
  setup.precision = precision;
  setup.most_rows = kMostRows;
  setup.slots = slots;
  setup.values = values;
  if (with_weights) setup.weights = options_.weights;
  setup.initial_key[0] = options_.seed;
  return Model(kind_, setup);
}

Model Subject::create(const NarrowSetup& setup) const {
  return create(best_precision(), setup.slots, setup.values, {}, setup.with_weights);
}

std::vector<NarrowSetup> Subject::narrow_setups() const {
  std::vector<NarrowSetup> found;
  const std::vector<NarrowSetup> variations = settings_to_try(kind_, options_, values_);
  for (const int64_t dimension : {1, 2}) {
    const auto first_accepted = [&]() -> std::optional<NarrowSetup> {
      for (NarrowSetup setup : variations) {
        for (const std::vector<Slot>& slots : candidates(true)) {
          int64_t drawn = 0;
          for (size_t i = 0; i < slots.size(); ++i) drawn += kind_.inputs[i].parent ? 0 : slots[i].size();
          if (drawn != dimension) continue;
          setup.slots = slots;
          if (accepts(setup)) return setup;
        }
      }
      return std::nullopt;
    };
    if (const auto setup = first_accepted()) found.push_back(*setup);
  }
  return found;
}

Batch Subject::points(const Model& model, int64_t rows, uint32_t salt, double spread) const {
  Batch batch = filled(model, rows, 0);
  for (size_t i = 0; i < batch.values.size(); ++i) {
    const Slot& slot = model.setup().slots[i];
    const std::optional<StartPoints> starts = start_points(options_, kind_.inputs[i].name, slot);
    const NoiseAddress at = {options_.seed, variable_key(kind_.inputs[i].name), 0, salt, Purpose::kStart};
    std::vector<double> uniform(batch.values[i].size());
    potluck::uniforms(at, static_cast<int64_t>(uniform.size()), uniform.data());
    const auto size = static_cast<size_t>(slot.size());
    for (size_t k = 0; k < uniform.size(); ++k) {
      double& value = batch.values[i][k];
      if (slot.categories > 0) {
        const int none = kind_.inputs[i].may_be_none ? 1 : 0;  // label -1, as likely as any other
        value = std::floor(uniform[k] * static_cast<double>(slot.categories + none)) - none;
        continue;
      }
      NoiseAddress normal = at;
      normal.chain = 1;
      value = spread * static_cast<double>(standard_normal(normal, static_cast<int64_t>(k)));
      if (starts) {
        value = starts->near(uniform[k - k % size], k % size, value);
        continue;
      }
      if (!slot.least.empty()) {
        const double least = slot.least[k % size], most = slot.most[k % size];
        if (std::isfinite(least) && std::isfinite(most))
          value = least + uniform[k] * (most - least);
        else if (std::isfinite(least))
          value = least + std::abs(value);
        else if (std::isfinite(most))
          value = most - std::abs(value);
      }
      value = std::round(value * 4096) / 4096;
    }
  }
  return batch;
}

Batch Subject::finite_points(const Model& model, int64_t rows, uint32_t salt, double spread) const {
  Batch found = filled(model, 0, 0);
  for (uint32_t attempt = 0; attempt < 20 && found.rows < rows; ++attempt) {
    const Batch batch = points(model, 1000, salt + 1000 * (attempt + 1), spread);
    const std::vector<double> energy = energies(model, batch);
    std::vector<int64_t> finite;
    for (int64_t b = 0; b < batch.rows && found.rows + static_cast<int64_t>(finite.size()) < rows; ++b)
      if (std::isfinite(energy[static_cast<size_t>(b)])) finite.push_back(b);
    const Batch kept = rows_of(model, batch, finite);
    found.rows += kept.rows;
    for (size_t i = 0; i < found.values.size(); ++i)
      found.values[i].insert(found.values[i].end(), kept.values[i].begin(), kept.values[i].end());
  }
  return found;
}

std::vector<double> Subject::uniforms(int64_t count, uint32_t salt) const {
  std::vector<double> out(static_cast<size_t>(count));
  potluck::uniforms({options_.seed, variable_key("draws"), 0, salt, Purpose::kStart}, count, out.data());
  return out;
}

}  // namespace potluck::conformance
