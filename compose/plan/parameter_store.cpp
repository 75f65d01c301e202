// SPDX-License-Identifier: Apache-2.0
#include "compose/plan/parameter_store.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "plugins/model_fault.h"

namespace potluck {

namespace {

bool same_arrays(const std::vector<ModelParameter>& a, const std::vector<ModelParameter>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const ModelParameter& x, const ModelParameter& y) {
    return x.name == y.name && x.type == y.type && x.shape == y.shape && x.trainable == y.trainable;
  });
}

std::string described(const ModelKind& kind) {
  return fmt::format("{} ({} {})", kind.name, kind.plugin_id, kind.plugin_version);
}

template <class T>
std::vector<double> widened(const std::vector<std::byte>& bytes) {
  std::vector<T> numbers(bytes.size() / sizeof(T));
  std::memcpy(numbers.data(), bytes.data(), bytes.size());
  return {numbers.begin(), numbers.end()};
}

template <class T>
std::vector<std::byte> narrowed(std::span<const double> numbers) {
  std::vector<T> values;
  for (const double number : numbers) values.push_back(static_cast<T>(number));
  std::vector<std::byte> bytes(values.size() * sizeof(T));
  std::memcpy(bytes.data(), values.data(), bytes.size());
  return bytes;
}

}  // namespace

ParameterStore::ParameterStore(Experts& experts, const EvaluationOrder& order, const Arithmetic& arithmetic)
    : instances_(experts), arithmetic_(arithmetic) {
  for (const Experts::Created& created : experts.created()) {
    std::vector<Copy> copies;
    for (Model* model : created.running) copies.push_back({model, model->parameters()});
    // What has none where it runs is not learned there, whatever it has elsewhere.
    if (created.reading && !copies[0].arrays.empty())
      copies.push_back({created.reading, created.reading->parameters()});
    for (const Copy& copy : copies)
      if (!same_arrays(copy.arrays, copies[0].arrays))
        throw ModelFault(
            fmt::format("model '{}': its parameters must be the same whenever it is created alike, got "
                        "others",
                        described(*created.leaf->kind)));
    if (copies[0].arrays.empty())
      expert_of_instance_.push_back(-1);
    else
      add(*created.leaf, std::move(copies), order, experts);
  }
  for (size_t expert = 0; expert < experts_.size(); ++expert) spread(expert, nullptr);
}

void ParameterStore::add(const Leaf& leaf, std::vector<Copy> copies, const EvaluationOrder& order,
                         const Experts& experts) {
  for (size_t known = 0; known < experts_.size(); ++known) {
    if (!same_definition(*definition_[known], leaf) || !same_arrays(copies_[known][0].arrays, copies[0].arrays))
      continue;
    expert_of_instance_.push_back(static_cast<int>(known));
    for (Copy& copy : copies) copies_[known].push_back(std::move(copy));
    return;
  }
  const size_t instance = experts.index_of(leaf);
  const auto evaluation = std::find_if(
      order.evaluations.begin(), order.evaluations.end(),
      [&](const PlannedEvaluation& one) { return !one.normaliser && experts.index_of(*one.leaf) == instance; });
  ParameterExpert expert;
  // Where the composite has no use for its energy (a weight of 0), it is known by its model.
  expert.name = unique_name(evaluation == order.evaluations.end() ? leaf.kind->name : evaluation->name);
  expert.model = described(*leaf.kind);
  expert.first = arrays_.size();
  expert.count = copies[0].arrays.size();
  for (const ModelParameter& array : copies[0].arrays) {
    arrays_.push_back({expert.name + "." + array.name, experts_.size(), array});
    expert.trainable = expert.trainable || array.trainable;
  }
  expert_of_instance_.push_back(static_cast<int>(experts_.size()));
  experts_.push_back(std::move(expert));
  definition_.push_back(&leaf);
  copies_.push_back(std::move(copies));
}

/// "garment", and "garment#2" for one whose arrays have other shapes.
std::string ParameterStore::unique_name(std::string name) const {
  const auto taken = [this](const std::string& one) {
    return std::any_of(experts_.begin(), experts_.end(), [&](const ParameterExpert& e) { return e.name == one; });
  };
  std::string unique = name;
  for (int number = 2; taken(unique); ++number) unique = fmt::format("{}#{}", name, number);
  return unique;
}

void ParameterStore::spread(size_t expert, void* stream) const {
  const std::vector<Copy>& copies = copies_[expert];
  for (size_t c = 1; c < copies.size(); ++c) {
    for (size_t i = 0; i < copies[c].arrays.size(); ++i)
      arithmetic_.copy(copies[c].arrays[i].data, copies[0].arrays[i].data, copies[0].arrays[i].bytes(), stream);
    copies[c].model->parameters_changed(stream);
  }
  arithmetic_.wait(stream);  // evaluations may come on another
}

bool ParameterStore::is_learned(size_t array) const {
  return arrays_[array].array.trainable && !experts_[arrays_[array].expert].frozen;
}

int ParameterStore::expert_of(const Leaf& leaf) const { return expert_of_instance_[instances_.index_of(leaf)]; }

std::vector<std::byte> ParameterStore::read(size_t array) const {
  const ModelParameter& from = arrays_[array].array;
  std::vector<std::byte> bytes(from.bytes());
  arithmetic_.copy(bytes.data(), from.data, bytes.size(), nullptr);
  return bytes;
}

void ParameterStore::write(size_t array, std::span<const std::byte> bytes) {
  const ModelParameter& to = arrays_[array].array;
  if (bytes.size() != to.bytes())
    throw SettingError(fmt::format("parameter '{}' must have {} bytes, got {}. Give {} numbers of its type",
                                   arrays_[array].name, to.bytes(), bytes.size(), to.size()));
  arithmetic_.copy(to.data, bytes.data(), bytes.size(), nullptr);
}

std::vector<double> ParameterStore::numbers(size_t array) const {
  const std::vector<std::byte> bytes = read(array);
  switch (arrays_[array].array.type) {
    case POTLUCK_FLOAT64:
      return widened<double>(bytes);
    case POTLUCK_INT64:
      return widened<int64_t>(bytes);
    default:
      return widened<float>(bytes);
  }
}

void ParameterStore::set_numbers(size_t array, std::span<const double> numbers) {
  switch (arrays_[array].array.type) {
    case POTLUCK_FLOAT64:
      return write(array, narrowed<double>(numbers));
    case POTLUCK_INT64:
      return write(array, narrowed<int64_t>(numbers));
    default:
      return write(array, narrowed<float>(numbers));
  }
}

void ParameterStore::changed(void* stream) {
  instances_.forget_quadratics();
  for (size_t expert = 0; expert < experts_.size(); ++expert) {
    copies_[expert][0].model->parameters_changed(stream);
    spread(expert, stream);
  }
}

}  // namespace potluck
