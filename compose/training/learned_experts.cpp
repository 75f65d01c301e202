// SPDX-License-Identifier: Apache-2.0
#include "compose/training/learned_experts.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "compose/experts/weights_metadata.h"
#include "compose/tree/diagnostics.h"
#include "core/files/formats/safetensors.h"
#include "core/learning/batch.h"

namespace potluck {

namespace {

constexpr int64_t kMostRowsLookedAt = 20'000;

std::vector<std::string> names_of(const Composition& composition) {
  std::vector<std::string> names;
  for (const auto& [name, node] : composition.energies) names.push_back(name);
  return names;
}

/// The experts below the energies that are named.
std::vector<size_t> named_experts(const Composition& composition, const ParameterStore& store) {
  const LearnSettings& learn = *composition.learn;
  std::vector<Diagnostic> wrong;
  std::vector<size_t> chosen;
  for (size_t i = 0; i < learn.experts.size(); ++i) {
    const std::string& name = learn.experts[i];
    const auto known = std::find_if(store.experts().begin(), store.experts().end(),
                                    [&](const ParameterExpert& one) { return one.name == name; });
    if (known != store.experts().end() && known->trainable) {
      chosen.push_back(static_cast<size_t>(known - store.experts().begin()));
      continue;
    }
    const std::vector<std::string> names = names_of(composition);
    if (composition.energies.count(name) > 0)
      wrong.push_back(
          {learn.expert_places[i],
           fmt::format("learn.experts must name leaves of the target whose models have parameters to learn, "
                       "got '{}'. Name the leaf itself, or another model",
                       name)});
    else
      wrong.push_back({learn.expert_places[i],
                       fmt::format("learn.experts must name energies, got '{}'. {}", name, suggestion(name, names))});
  }
  if (!wrong.empty()) throw CompositionError(std::move(wrong));
  return chosen;
}

/// Those that name a file for what they learn, or all where none does.
std::vector<size_t> all_experts(const Composition& composition, const ParameterStore& store) {
  std::vector<size_t> chosen, named;
  for (size_t e = 0; e < store.experts().size(); ++e) {
    if (!store.experts()[e].trainable) continue;
    chosen.push_back(e);
    if (!store.leaf(e).weights_path.empty()) named.push_back(e);
  }
  if (!named.empty()) return named;
  if (chosen.empty())
    throw CompositionError({{composition.learn->place,
                             "the target must have a model with parameters that can be learned, got none. `potluck "
                             "models list` shows all models"}});
  return chosen;
}

/// Means of the numbers that an input reads, and the root mean square distance from them.
struct Moments {
  std::vector<double> mean;
  double scale = 1;
};

Moments moments_of(const TrainingData& data, const Composition& composition, const Binding& binding) {
  if (binding.index.empty()) return {data.mean(binding.variable), data.scale(binding.variable)};
  const std::vector<Variable>& variables = composition.variables;
  const int64_t rows = std::min(data.training(), kMostRowsLookedAt);
  Batch batch(variables, Precision::kFloat64, rows);
  data.training_rows(0, rows, batch.pointers().data());
  const auto v = static_cast<size_t>(binding.variable);
  const int64_t n = variables[v].size();
  int64_t size = 1;
  for (const int64_t length : binding.shape) size *= length;
  std::vector<double> sum(static_cast<size_t>(size)), squares(sum.size());
  const auto parts = static_cast<int64_t>(binding.index.size()) / size;
  for (int64_t row = 0; row < rows; ++row)
    for (size_t k = 0; k < binding.index.size(); ++k) {
      const double number = batch.at(v, row * n + binding.index[k]);
      sum[k % sum.size()] += number;
      squares[k % sum.size()] += number * number;
    }
  const double count = static_cast<double>(rows * parts);
  Moments moments;
  double variance = 0;
  for (size_t j = 0; j < sum.size(); ++j) {
    moments.mean.push_back(sum[j] / count);
    variance += squares[j] / count - moments.mean[j] * moments.mean[j];
  }
  moments.scale = std::sqrt(std::max(variance / static_cast<double>(size), 0.0));
  return moments;
}

/// The binding of the first drawn input, where data are of what it reads; null else.
const Binding* data_of(const Leaf& leaf, const TrainingData& data) {
  for (size_t i = 0; i < leaf.inputs.size(); ++i) {
    const InputDescription& input = leaf.kind->inputs[i];
    if (input.parent || input.categorical) continue;
    const Binding& binding = leaf.inputs[i];
    return binding.variable >= 0 && data.has(binding.variable) ? &binding : nullptr;
  }
  return nullptr;
}

double mean_of(const std::vector<double>& numbers) {
  double sum = 0;
  for (const double number : numbers) sum += number;
  return sum / static_cast<double>(numbers.size());
}

}  // namespace

std::vector<LearnedExpert> choose_experts(const Composition& composition, ParameterStore& store) {
  const std::vector<size_t> chosen =
      composition.learn->experts.empty() ? all_experts(composition, store) : named_experts(composition, store);
  std::vector<LearnedExpert> learned;
  std::vector<Diagnostic> wrong;
  for (size_t e = 0; e < store.experts().size(); ++e) {
    const bool is_chosen = std::find(chosen.begin(), chosen.end(), e) != chosen.end();
    store.set_frozen(e, !is_chosen);
    if (!is_chosen) continue;
    const Leaf& leaf = store.leaf(e);
    const std::string& name = store.experts()[e].name;
    if (leaf.weights_path.empty())
      wrong.push_back({leaf.model_place, fmt::format("'{}' must name a file for its weights, got none. Add weights: "
                                                     "{}.safetensors, which the training makes, or leave '{}' out of "
                                                     "learn.experts",
                                                     name, name, name)});
    learned.push_back({e, name, leaf.weights_path});
  }
  if (!wrong.empty()) throw CompositionError(std::move(wrong));
  return learned;
}

std::optional<DataSummary> summary_of_data(const Composition& composition, const Leaf& leaf) {
  const Binding* binding = data_of(leaf, *composition.learn->data);
  if (!binding) return std::nullopt;
  const Moments moments = moments_of(*composition.learn->data, composition, *binding);
  return DataSummary{mean_of(moments.mean), moments.scale};
}

void tell_of_data(const Composition& composition, const std::vector<LearnedExpert>& learned, ParameterStore& store) {
  for (const LearnedExpert& one : learned) {
    const Leaf& leaf = store.leaf(one.expert);
    const ParameterExpert& expert = store.experts()[one.expert];
    const Binding* binding = leaf.weights ? nullptr : data_of(leaf, *composition.learn->data);
    if (!binding) continue;
    const Moments moments = moments_of(*composition.learn->data, composition, *binding);
    for (size_t a = expert.first; a < expert.first + expert.count; ++a) {
      const ModelParameter& array = store.arrays()[a].array;
      if (array.trainable) continue;
      if (array.name == "data_scale" && array.size() == 1) store.set_numbers(a, std::vector<double>{moments.scale});
      if (array.name != "data_mean") continue;
      if (array.size() == static_cast<int64_t>(moments.mean.size())) store.set_numbers(a, moments.mean);
      if (array.size() == 1) store.set_numbers(a, std::vector<double>{mean_of(moments.mean)});
    }
  }
  store.changed();
}

void write_weights(const ParameterStore& store, const LearnedExpert& expert, const std::filesystem::path& file,
                   const std::map<std::string, std::string>& also) {
  Safetensors contents;
  const ParameterExpert& of = store.experts()[expert.expert];
  for (size_t a = of.first; a < of.first + of.count; ++a) {
    const ModelParameter& from = store.arrays()[a].array;
    Array array;
    array.type = from.type == POTLUCK_FLOAT64 ? NumberType::kFloat64
                 : from.type == POTLUCK_INT64 ? NumberType::kInt64
                                              : NumberType::kFloat32;
    array.shape = from.shape;
    array.bytes = store.read(a);
    contents.arrays[from.name] = std::move(array);
  }
  contents.metadata = weights_metadata(store.leaf(expert.expert));
  contents.metadata.insert(also.begin(), also.end());
  write_safetensors(file, contents);
}

}  // namespace potluck
