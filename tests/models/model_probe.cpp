// SPDX-License-Identifier: Apache-2.0
#include "tests/models/model_probe.h"

#include <dlfcn.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <random>
#include <stdexcept>

#include "plugins/table.h"

namespace potluck::test {
namespace {

const ModelKind& kind_of(const std::string& plugin, const std::string& model) {
  static std::map<std::string, std::vector<ModelKind>> loaded;
  std::vector<ModelKind>& kinds = loaded[plugin];
  if (kinds.empty()) {
    const bool path = plugin.find('/') != std::string::npos;
    const std::string file = path ? plugin : std::string(POTLUCK_MODELS_DIR) + "/" + plugin + ".potluck.so";
    void* library = dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    if (library == nullptr) throw std::runtime_error(dlerror());
    const auto entry = reinterpret_cast<const potluck_plugin* (*)()>(dlsym(library, "potluck_plugin_v1"));
    kinds = read_table(entry());
  }
  for (const ModelKind& kind : kinds)
    if (kind.name == model) return kind;
  throw std::runtime_error("no model " + model);
}

std::vector<std::string> words_of(const std::string& list) {
  std::vector<std::string> words(1);
  for (const char c : list)
    if (c == ',')
      words.emplace_back();
    else if (c != ' ')
      words.back() += c;
  return words;
}

std::unique_ptr<Model> create(const std::string& plugin, const std::string& model, const ProbeSetup& probe) {
  const ModelKind& kind = kind_of(plugin, model);
  ModelSetup setup;
  setup.precision = probe.precision;
  setup.most_rows = probe.most_rows;
  setup.slots = probe.slots;
  setup.weights = probe.weights;
  for (const auto& [name, text] : probe.settings)
    if (kind.setting(name) < 0) throw std::runtime_error("no setting " + name);
  for (const SettingDescription& setting : kind.settings) {
    const auto given = probe.settings.find(setting.name);
    setup.values.push_back(given == probe.settings.end()
                               ? preset_value(setting, setting.name)
                               : parse_setting(setting, words_of(given->second), setting.name));
  }
  return std::make_unique<Model>(kind, setup);
}

}  // namespace

Slot continuous_slot(std::vector<int64_t> shape) {
  Slot slot;
  slot.shape = std::move(shape);
  return slot;
}

Slot label_slot(int64_t categories) {
  Slot slot;
  slot.categories = categories;
  return slot;
}

Weight weight(const std::string& name, std::vector<int64_t> shape, const Numbers& numbers, int32_t type) {
  Weight made{name, type, std::move(shape), {}};
  const std::vector<float> narrow(numbers.begin(), numbers.end());
  const bool wide = type == POTLUCK_FLOAT64;
  made.bytes.resize(numbers.size() * (wide ? 8 : 4));
  std::memcpy(made.bytes.data(), wide ? static_cast<const void*>(numbers.data()) : narrow.data(), made.bytes.size());
  return made;
}

ModelProbe::ModelProbe(const std::string& plugin, const std::string& model, const ProbeSetup& setup)
    : model_(create(plugin, model, setup)) {}

std::vector<std::vector<std::byte>> ModelProbe::pack(const std::vector<Numbers>& inputs) const {
  std::vector<std::vector<std::byte>> packed;
  for (size_t i = 0; i < inputs.size(); ++i) {
    const bool label = model_->kind().inputs[i].categorical;
    std::vector<std::byte>& bytes = packed.emplace_back(inputs[i].size() * (label || wide() ? 8 : 4));
    for (size_t j = 0; j < inputs[i].size(); ++j) {
      if (label)
        reinterpret_cast<int64_t*>(bytes.data())[j] = static_cast<int64_t>(inputs[i][j]);
      else if (wide())
        reinterpret_cast<double*>(bytes.data())[j] = inputs[i][j];
      else
        reinterpret_cast<float*>(bytes.data())[j] = static_cast<float>(inputs[i][j]);
    }
  }
  return packed;
}

Numbers ModelProbe::unpack(const std::vector<std::byte>& bytes) const {
  if (wide()) {
    const double* first = reinterpret_cast<const double*>(bytes.data());
    return Numbers(first, first + bytes.size() / 8);
  }
  const float* first = reinterpret_cast<const float*>(bytes.data());
  return Numbers(first, first + bytes.size() / 4);
}

ModelProbe::Evaluated ModelProbe::evaluate(const std::vector<Numbers>& inputs, const How& how) const {
  const int64_t rows = static_cast<int64_t>(inputs[0].size()) / model_->setup().slots[0].size();
  const auto packed = pack(inputs);
  const auto before = packed;
  auto gradients = pack(how.gradient.empty() ? inputs : how.gradient);
  std::vector<const void*> pointers;
  std::vector<void*> wanted;
  for (size_t i = 0; i < inputs.size(); ++i) {
    pointers.push_back(packed[i].data());
    wanted.push_back(model_->kind().inputs[i].categorical ? nullptr : gradients[i].data());
  }
  Evaluated result;
  result.energy.resize(static_cast<size_t>(rows));
  std::vector<std::byte> workspace(model_->workspace_bytes(rows) + 128);
  potluck_call call{};
  call.size = sizeof call;
  call.rows = rows;
  call.input = pointers.data();
  call.energy = result.energy.data();
  call.gradient = wanted.data();
  call.row_weight = how.row_weight.empty() ? nullptr : how.row_weight.data();
  call.accumulate = how.gradient.empty() ? 0 : 1;
  call.threads = how.threads;
  const uintptr_t start = reinterpret_cast<uintptr_t>(workspace.data());
  std::byte* aligned = workspace.data() + (64 - start % 64) % 64;
  std::byte* guard = aligned + model_->workspace_bytes(rows);
  *guard = std::byte{0xA5};
  call.workspace = aligned;
  model_->evaluate(call);
  if (*guard != std::byte{0xA5}) throw std::runtime_error("the workspace was overrun");
  if (packed != before) throw std::runtime_error("an input was written to");
  for (size_t i = 0; i < inputs.size(); ++i)
    result.gradient.push_back(wanted[i] != nullptr ? unpack(gradients[i]) : Numbers());
  return result;
}

double ModelProbe::worst_gradient_error(const std::vector<Numbers>& inputs, int i, double step) const {
  const Evaluated here = evaluate(inputs);
  const int64_t n = model_->setup().slots[static_cast<size_t>(i)].size();
  const int64_t rows = static_cast<int64_t>(here.energy.size());
  double worst = 0;
  for (int64_t j = 0; j < n; ++j) {
    auto up = inputs, down = inputs;
    for (int64_t b = 0; b < rows; ++b) {
      up[static_cast<size_t>(i)][static_cast<size_t>(b * n + j)] += step;
      down[static_cast<size_t>(i)][static_cast<size_t>(b * n + j)] -= step;
    }
    const Numbers above = energies(up), below = energies(down);
    for (int64_t b = 0; b < rows; ++b) {
      const size_t row = static_cast<size_t>(b);
      const double gradient = here.gradient[static_cast<size_t>(i)][static_cast<size_t>(b * n + j)];
      const double error = std::abs(gradient - (above[row] - below[row]) / (2 * step)) / (1 + std::abs(gradient));
      worst = std::isnan(error) ? INFINITY : std::max(worst, error);
    }
  }
  return worst;
}

std::optional<std::vector<Numbers>> ModelProbe::parameter_gradient(const std::vector<Numbers>& inputs,
                                                                   const Numbers& cotangent,
                                                                   const std::vector<Numbers>& tangent) {
  const auto packed = pack(inputs), directions = pack(tangent);
  std::vector<const void*> pointers, along;
  for (size_t i = 0; i < inputs.size(); ++i) {
    pointers.push_back(inputs[i].empty() ? nullptr : packed[i].data());
    along.push_back(tangent.empty() || tangent[i].empty() ? nullptr : directions[i].data());
  }
  std::vector<std::vector<std::byte>> sums;
  std::vector<void*> places;
  for (const ModelParameter& parameter : model_->parameters()) {
    sums.emplace_back(parameter.bytes());
    places.push_back(sums.back().data());
  }
  const int64_t rows = static_cast<int64_t>(inputs[0].size()) / model_->setup().slots[0].size();
  std::vector<double> workspace(model_->workspace_bytes(rows) / sizeof(double) + 8);
  potluck_call call{};
  call.size = sizeof call;
  call.rows = rows;
  call.input = pointers.data();
  call.threads = 1;
  call.workspace = workspace.data();
  if (!model_->parameter_gradient(call, cotangent.empty() ? nullptr : cotangent.data(),
                                  tangent.empty() ? nullptr : along.data(), places.data()))
    return std::nullopt;
  std::vector<Numbers> result;
  for (const auto& sum : sums) result.push_back(unpack(sum));
  return result;
}

std::optional<ModelProbe::LogZ> ModelProbe::log_normaliser(const std::vector<Numbers>& parents, int64_t rows) const {
  const auto packed = pack(parents);
  auto gradients = packed;
  std::vector<const void*> pointers;
  std::vector<void*> wanted;
  for (size_t i = 0; i < parents.size(); ++i) {
    pointers.push_back(parents[i].empty() ? nullptr : packed[i].data());
    const bool differentiable = !parents[i].empty() && !model_->kind().inputs[i].categorical;
    wanted.push_back(differentiable ? gradients[i].data() : nullptr);
  }
  std::vector<double> workspace(model_->workspace_bytes(rows) / sizeof(double) + 8);
  potluck_call given{};
  given.size = sizeof given;
  given.rows = rows;
  given.input = pointers.data();
  given.gradient = wanted.data();
  given.threads = 1;
  given.workspace = workspace.data();
  LogZ result;
  result.value.resize(static_cast<size_t>(rows));
  if (!model_->log_normaliser(given, result.value.data())) return std::nullopt;
  for (size_t i = 0; i < parents.size(); ++i)
    result.gradient.push_back(wanted[i] != nullptr ? unpack(gradients[i]) : Numbers());
  return result;
}

std::optional<Model::Quadratic> ModelProbe::quadratic(const std::vector<Numbers>& given) const {
  const auto packed = pack(given);
  std::vector<const void*> pointers;
  for (size_t i = 0; i < given.size(); ++i) pointers.push_back(given[i].empty() ? nullptr : packed[i].data());
  return model_->quadratic(pointers.data());
}

std::optional<Numbers> ModelProbe::draw(int64_t rows, const std::vector<Numbers>& given,
                                        const std::vector<std::vector<uint8_t>>& held, int i, uint64_t seed) const {
  const auto packed = pack(given);
  std::vector<const void*> pointers;
  std::vector<const uint8_t*> masks;
  std::vector<std::vector<std::byte>> out(given.size());
  std::vector<void*> out_pointers(given.size(), nullptr);
  bool any = false;
  for (size_t k = 0; k < given.size(); ++k) {
    pointers.push_back(given[k].empty() ? nullptr : packed[k].data());
    masks.push_back(held[k].empty() ? nullptr : held[k].data());
    any |= !held[k].empty();
    if (model_->kind().inputs[k].parent) continue;
    out[k].resize(static_cast<size_t>(rows * model_->setup().slots[k].size()) * (wide() ? 8 : 4));
    out_pointers[k] = out[k].data();
  }
  std::mt19937_64 generator(seed);
  Numbers uniforms(static_cast<size_t>(rows * model_->facts().draw_uniforms));
  for (double& uniform : uniforms) uniform = (static_cast<double>(generator() >> 11) + 0.5) * 0x1p-53;
  potluck_call call{};
  call.size = sizeof call;
  call.rows = rows;
  call.input = pointers.data();
  call.threads = 1;
  if (!model_->draw(call, any ? masks.data() : nullptr, uniforms.data(), out_pointers.data())) return std::nullopt;
  return unpack(out[static_cast<size_t>(i)]);
}

std::string refusal(const std::string& plugin, const std::string& model, const ProbeSetup& setup) {
  try {
    create(plugin, model, setup);
  } catch (const ModelCreateError& error) {
    return error.what();
  }
  return "";
}

Numbers some_numbers(int64_t count, uint64_t seed) {
  std::mt19937_64 generator(seed);
  Numbers numbers(static_cast<size_t>(count));
  for (double& number : numbers) number = static_cast<double>(generator() >> 11) * 0x1p-52 - 1;
  return numbers;
}

Moments moments(const Numbers& draws, int64_t n) {
  const int64_t rows = static_cast<int64_t>(draws.size()) / n;
  Moments result{Numbers(static_cast<size_t>(n)), Numbers(static_cast<size_t>(n * n))};
  for (int64_t b = 0; b < rows; ++b)
    for (int64_t i = 0; i < n; ++i)
      result.mean[static_cast<size_t>(i)] += draws[static_cast<size_t>(b * n + i)] / static_cast<double>(rows);
  for (int64_t b = 0; b < rows; ++b)
    for (int64_t i = 0; i < n; ++i)
      for (int64_t j = 0; j < n; ++j)
        result.covariance[static_cast<size_t>(i * n + j)] +=
            (draws[static_cast<size_t>(b * n + i)] - result.mean[static_cast<size_t>(i)]) *
            (draws[static_cast<size_t>(b * n + j)] - result.mean[static_cast<size_t>(j)]) / static_cast<double>(rows);
  return result;
}

}  // namespace potluck::test
