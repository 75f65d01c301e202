// SPDX-License-Identifier: Apache-2.0
#include "tests/models/model_case.h"

#include <dlfcn.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <memory>
#include <random>

#include "plugins/table.h"

namespace potluck::test {
namespace {

bool is_parent(const Model& model, size_t i) { return model.kind().inputs[i].parent; }
bool is_categorical(const Model& model, size_t i) { return model.kind().inputs[i].categorical; }

/// Inputs in the model's own types, and the pointers that the door takes.
class Arrays {
 public:
  Arrays(const Model& model, const Batch& batch) : float64_(model.setup().precision == Precision::kFloat64) {
    for (size_t i = 0; i < batch.values.size(); ++i) {
      const std::vector<double>& values = batch.values[i];
      std::vector<std::byte>& bytes = bytes_.emplace_back(values.size() * 8);
      for (size_t j = 0; j < values.size(); ++j) {
        if (is_categorical(model, i))
          reinterpret_cast<int64_t*>(bytes.data())[j] = static_cast<int64_t>(values[j]);
        else
          set(bytes, j, values[j]);
      }
    }
    for (std::vector<std::byte>& bytes : bytes_) pointers_.push_back(bytes.data());
  }
  void** pointers() { return pointers_.data(); }
  std::vector<std::byte>& bytes(size_t i) { return bytes_[i]; }
  std::vector<double> numbers(size_t i) const {
    std::vector<double> out(bytes_[i].size() / 8);
    for (size_t j = 0; j < out.size(); ++j)
      out[j] = float64_ ? reinterpret_cast<const double*>(bytes_[i].data())[j]
                        : static_cast<double>(reinterpret_cast<const float*>(bytes_[i].data())[j]);
    return out;
  }

 private:
  void set(std::vector<std::byte>& bytes, size_t j, double value) const {
    if (float64_)
      reinterpret_cast<double*>(bytes.data())[j] = value;
    else
      reinterpret_cast<float*>(bytes.data())[j] = static_cast<float>(value);
  }
  bool float64_;
  std::vector<std::vector<std::byte>> bytes_;
  std::vector<void*> pointers_;
};

/// Scratch as a model asks for it, with bytes behind that it must leave alone.
class Workspace {
 public:
  Workspace(const Model& model, int64_t rows) : bytes_(model.workspace_bytes(rows)), storage_(bytes_ + 192) {
    const size_t past = reinterpret_cast<uintptr_t>(storage_.data()) % 64;
    first_ = storage_.data() + (64 - past);
    std::fill(storage_.begin(), storage_.end(), std::byte{0xa5});
  }
  void* data() { return first_; }
  bool respected() const {
    return std::all_of(storage_.data(), const_cast<const std::byte*>(first_), untouched) &&
           std::all_of(const_cast<const std::byte*>(first_ + bytes_), storage_.data() + storage_.size(), untouched);
  }

 private:
  static bool untouched(std::byte byte) { return byte == std::byte{0xa5}; }
  size_t bytes_;
  std::vector<std::byte> storage_;
  std::byte* first_;
};

Batch like(const Model& model, int64_t rows, double value) {
  Batch batch{rows, {}};
  for (const Slot& slot : model.setup().slots)
    batch.values.emplace_back(static_cast<size_t>(rows * slot.size()), value);
  return batch;
}

potluck_call call_of(int64_t rows, void* const* input, Workspace& workspace) {
  return {sizeof(potluck_call), rows, input, nullptr, nullptr, nullptr, 0, 1, workspace.data(), nullptr};
}

}  // namespace

Slot reals(std::vector<int64_t> shape) { return {std::move(shape), 0, {}, {}}; }
Slot labels(std::vector<int64_t> shape, int64_t categories) { return {std::move(shape), categories, {}, {}}; }

Weight weight_of(const std::string& name, std::vector<int64_t> shape, const std::vector<double>& values) {
  Weight made{name, POTLUCK_FLOAT64, std::move(shape), std::vector<std::byte>(values.size() * sizeof(double))};
  std::memcpy(made.bytes.data(), values.data(), made.bytes.size());
  return made;
}

const ModelKind& shipped_model(const std::string& name) {
  static std::map<std::string, std::unique_ptr<ModelKind>> loaded;
  std::unique_ptr<ModelKind>& slot = loaded[name];
  if (slot == nullptr) {
    const std::string file = std::string(POTLUCK_MODELS_DIR) + "/potluck." + name + ".potluck.so";
    void* library = dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    if (library == nullptr) throw PluginError(dlerror());
    using Entry = const potluck_plugin* (*)();
    const potluck_plugin* plugin = reinterpret_cast<Entry>(dlsym(library, "potluck_plugin_v1"))();
    for (ModelKind& kind : read_table(plugin))
      if (kind.name == name) slot = std::make_unique<ModelKind>(std::move(kind));
    if (slot == nullptr) throw PluginError(file + " has no model '" + name + "'");
  }
  return *slot;
}

Model create(const ModelCase& each, Precision precision, int64_t most_rows) {
  const ModelKind& kind = shipped_model(each.model);
  ModelSetup setup;
  setup.precision = precision;
  setup.most_rows = most_rows;
  setup.slots = each.slots;
  setup.weights = each.weights;
  for (const auto& [name, words] : each.settings)
    if (kind.setting(name) < 0) throw SettingError("unknown setting " + name);
  for (const SettingDescription& setting : kind.settings) {
    const auto given = each.settings.find(setting.name);
    setup.values.push_back(given == each.settings.end() ? preset_value(setting, setting.name)
                                                        : parse_setting(setting, given->second, setting.name));
  }
  return Model(kind, setup);
}

std::string refusal(const ModelCase& each) {
  try {
    create(each, Precision::kFloat64);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

Batch random_points(const ModelCase& each, const Model& model, int64_t rows, uint64_t seed) {
  std::mt19937_64 generator(seed);
  std::uniform_real_distribution<double> uniform(0, 1);
  Batch batch = like(model, rows, 0);
  for (size_t i = 0; i < batch.values.size(); ++i) {
    for (double& value : batch.values[i]) {
      const double u = uniform(generator);
      // Rounded to float32, so that both precisions see the same point.
      value =
          is_categorical(model, i)
              ? std::floor(u * static_cast<double>(each.slots[i].categories))
              : static_cast<double>(static_cast<float>(each.points_least + u * (each.points_most - each.points_least)));
    }
    const std::vector<uint8_t>& held = each.slots[i].held;
    for (size_t at = 0; at < batch.values[i].size() && !held.empty(); ++at)
      if (held[at % held.size()]) batch.values[i][at] = each.slots[i].value[at % held.size()];
  }
  return batch;
}

Batch repeat_row(const Model& model, const Batch& batch, int64_t row, int64_t rows) {
  Batch out = like(model, rows, 0);
  for (size_t i = 0; i < out.values.size(); ++i) {
    const auto size = static_cast<size_t>(model.setup().slots[i].size());
    for (size_t j = 0; j < out.values[i].size(); ++j)
      out.values[i][j] = batch.values[i][static_cast<size_t>(row) * size + j % size];
  }
  return out;
}

Evaluation evaluate(const Model& model, const Batch& batch, const Asked& asked) {
  Arrays input(model, batch), before(model, batch), gradient(model, like(model, batch.rows, asked.start));
  Workspace workspace(model, batch.rows);
  Evaluation out;
  potluck_call call = call_of(batch.rows, input.pointers(), workspace);
  if (asked.energy) {
    out.energy.resize(static_cast<size_t>(batch.rows));
    call.energy = out.energy.data();
  }
  for (size_t i = 0; i < batch.values.size(); ++i)
    if (is_categorical(model, i)) gradient.pointers()[i] = nullptr;
  if (asked.gradient) call.gradient = gradient.pointers();
  if (!asked.row_weight.empty()) call.row_weight = asked.row_weight.data();
  call.accumulate = asked.accumulate;
  model.evaluate(call);
  for (size_t i = 0; i < batch.values.size(); ++i) {
    out.inputs_untouched &= input.bytes(i) == before.bytes(i);
    if (asked.gradient) out.gradient.push_back(is_categorical(model, i) ? std::vector<double>() : gradient.numbers(i));
  }
  out.workspace_respected = workspace.respected();
  return out;
}

std::optional<std::vector<double>> log_normaliser(const Model& model, const Batch& batch,
                                                  std::vector<std::vector<double>>* gradient) {
  Arrays input(model, batch), slopes(model, like(model, batch.rows, 0));
  Workspace workspace(model, batch.rows);
  for (size_t i = 0; i < batch.values.size(); ++i) {
    if (!is_parent(model, i)) input.pointers()[i] = nullptr;
    if (!is_parent(model, i) || is_categorical(model, i)) slopes.pointers()[i] = nullptr;
  }
  potluck_call given = call_of(batch.rows, input.pointers(), workspace);
  if (gradient != nullptr) given.gradient = slopes.pointers();
  std::vector<double> log_z(static_cast<size_t>(batch.rows));
  if (!model.log_normaliser(given, log_z.data())) return std::nullopt;
  if (gradient != nullptr) {
    gradient->clear();
    for (size_t i = 0; i < batch.values.size(); ++i)
      gradient->push_back(slopes.pointers()[i] != nullptr ? slopes.numbers(i) : std::vector<double>());
  }
  return log_z;
}

std::optional<Batch> draw(const Model& model, const Batch& given, uint64_t seed,
                          const std::vector<std::vector<uint8_t>>& held) {
  Arrays input(model, given), out(model, like(model, given.rows, NAN));
  Workspace workspace(model, given.rows);
  std::vector<const uint8_t*> masks;
  for (size_t i = 0; i < given.values.size(); ++i) {
    if (is_parent(model, i))
      out.pointers()[i] = nullptr;
    else if (held.empty())
      input.pointers()[i] = nullptr;
    masks.push_back(held.empty() || held[i].empty() ? nullptr : held[i].data());
  }
  std::mt19937_64 generator(seed);
  std::vector<double> uniforms(static_cast<size_t>(given.rows * model.facts().draw_uniforms));
  for (double& uniform : uniforms) uniform = (static_cast<double>(generator() >> 11) + 0.5) * 0x1p-53;
  const potluck_call call = call_of(given.rows, input.pointers(), workspace);
  if (!model.draw(call, held.empty() ? nullptr : masks.data(), uniforms.data(), out.pointers())) return std::nullopt;
  Batch drawn{given.rows, {}};
  for (size_t i = 0; i < given.values.size(); ++i)
    drawn.values.push_back(is_parent(model, i) ? given.values[i] : out.numbers(i));
  return drawn;
}

GridIntegral integrate(const ModelCase& each, const Model& model, const Batch& parents) {
  std::vector<std::pair<size_t, size_t>> coordinates;  // input, index within its row
  for (size_t i = 0; i < each.slots.size(); ++i)
    for (int64_t j = 0; !is_parent(model, i) && j < each.slots[i].size(); ++j) coordinates.emplace_back(i, j);
  const double step = (each.grid_most - each.grid_least) / each.grid_points;
  const auto points = static_cast<int64_t>(std::pow(each.grid_points, coordinates.size()));
  const int64_t at_once = model.setup().most_rows;
  double mass = 0, energy_sum = 0;
  std::vector<double> first(coordinates.size()), second(coordinates.size());
  for (int64_t start = 0; start < points; start += at_once) {
    Batch batch = repeat_row(model, parents, 0, std::min(at_once, points - start));
    for (int64_t b = 0; b < batch.rows; ++b) {
      int64_t index = start + b;
      for (const auto& [i, j] : coordinates) {
        const auto at = static_cast<size_t>(b * each.slots[i].size()) + j;
        batch.values[i][at] = each.grid_least + (static_cast<double>(index % each.grid_points) + 0.5) * step;
        index /= each.grid_points;
      }
    }
    const Evaluation found = evaluate(model, batch, {.gradient = false});
    for (int64_t b = 0; b < batch.rows; ++b) {
      const double energy = found.energy[static_cast<size_t>(b)];
      const double density = std::exp(-energy);
      if (density == 0) continue;
      mass += density;
      energy_sum += density * energy;
      for (size_t k = 0; k < coordinates.size(); ++k) {
        const auto [i, j] = coordinates[k];
        const double x = batch.values[i][static_cast<size_t>(b * each.slots[i].size()) + j];
        first[k] += density * x;
        second[k] += density * x * x;
      }
    }
  }
  GridIntegral out;
  out.log_z = std::log(mass) + static_cast<double>(coordinates.size()) * std::log(step);
  out.mean_energy = energy_sum / mass;
  for (size_t k = 0; k < coordinates.size(); ++k) {
    out.mean.push_back(first[k] / mass);
    out.variance.push_back(second[k] / mass - out.mean[k] * out.mean[k]);
  }
  return out;
}

}  // namespace potluck::test
