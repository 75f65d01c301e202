// SPDX-License-Identifier: Apache-2.0
#include "compose/experts/leaf_row.h"

#include <algorithm>
#include <cstring>

#include "compose/tree/coordinates.h"

namespace potluck {

namespace {

constexpr double kMostCombinations = 4096;  // of labels that move, for which a model is asked

template <class T>
void append(std::vector<std::byte>& bytes, double number) {
  const T value = static_cast<T>(number);
  const size_t at = bytes.size();
  bytes.resize(at + sizeof(T));
  std::memcpy(bytes.data() + at, &value, sizeof(T));
}

/// The number that coordinate `element` of a variable stands at, and whether it is held there.
double standing(const Composition& composition, int variable, int64_t element, bool& held) {
  const size_t v = static_cast<size_t>(variable);
  const Variable& about = composition.variables[v];
  held = v < composition.held.size() && composition.held[v].any() &&
         composition.held[v].mask[static_cast<size_t>(element)] != 0;
  if (held) return composition.held[v].value[static_cast<size_t>(element)];
  return about.categorical() ? 0 : std::clamp(0.0, about.least, about.most);
}

}  // namespace

LeafRow::LeafRow(const Composition& composition, const Model& model, const Leaf& leaf, int64_t part)
    : model_(&model),
      leaf_(&leaf),
      values_(leaf.inputs.size()),
      fixed_(leaf.inputs.size(), 1),
      categories_(leaf.inputs.size(), 0) {
  const bool narrow = model.setup().precision == Precision::kFloat32;
  for (size_t i = 0; i < leaf.inputs.size(); ++i) {
    const Binding& binding = leaf.inputs[i];
    const int64_t size = size_of(binding);
    if (binding.variable >= 0) categories_[i] = composition.variables[static_cast<size_t>(binding.variable)].categories;
    for (int64_t j = 0; j < size; ++j) {
      double number = 0;
      if (binding.variable < 0) {
        number = binding.literal[static_cast<size_t>(j)];
      } else {
        const int64_t element = binding.index.empty() ? j : binding.index[static_cast<size_t>(part * size + j)];
        bool held = false;
        number = standing(composition, binding.variable, element, held);
        if (!held) fixed_[i] = 0;
      }
      if (leaf.kind->inputs[i].categorical)
        append<int64_t>(values_[i], number);
      else if (narrow)
        append<float>(values_[i], number);
      else
        append<double>(values_[i], number);
    }
  }
}

bool LeafRow::parents_in_state() const {
  for (size_t i = 0; i < leaf_->inputs.size(); ++i)
    if (leaf_->kind->inputs[i].parent && leaf_->inputs[i].variable >= 0) return true;
  return false;
}

bool LeafRow::continuous_variable(size_t i) const {
  return leaf_->inputs[i].variable >= 0 && !leaf_->kind->inputs[i].categorical;
}

bool LeafRow::log_normaliser(double& log_z) const {
  std::vector<const void*> input(values_.size(), nullptr);
  for (size_t i = 0; i < input.size(); ++i)
    if (leaf_->kind->inputs[i].parent) input[i] = value(i);
  Workspace workspace(model_->workspace_bytes(1));
  potluck_call given{};
  given.size = sizeof(given);
  given.rows = 1;
  given.input = input.data();
  given.threads = 1;
  given.workspace = workspace.data();
  return model_->log_normaliser(given, &log_z);
}

std::optional<Model::GaussianPart> LeafRow::gaussian_part() const {
  std::vector<std::vector<std::byte>> values = values_;
  std::vector<const void*> input(values.size(), nullptr);
  struct Label {
    std::byte* at;
    int64_t categories;
  };
  std::vector<Label> moving;
  double combinations = 1;
  for (size_t i = 0; i < values.size(); ++i) {
    const InputDescription& description = leaf_->kind->inputs[i];
    if (!description.parent || values[i].empty()) continue;
    input[i] = values[i].data();
    if (fixed(i)) continue;
    if (!description.categorical) return std::nullopt;
    for (size_t at = 0; at < values[i].size(); at += sizeof(int64_t)) {
      moving.push_back({values[i].data() + at, categories_[i]});
      combinations *= categories_[i];
    }
  }
  if (combinations > kMostCombinations) return std::nullopt;
  std::optional<Model::GaussianPart> first;
  for (int64_t combination = 0; combination < static_cast<int64_t>(combinations); ++combination) {
    int64_t left = combination;
    for (const Label& label : moving) {
      const int64_t value = left % label.categories;
      std::memcpy(label.at, &value, sizeof value);
      left /= label.categories;
    }
    auto part = model_->gaussian_part(input.data());
    if (!part || (first && part->curvature != first->curvature)) return std::nullopt;
    if (!first) first = std::move(part);
  }
  return first;
}

std::optional<Model::Quadratic> LeafRow::quadratic(const std::vector<uint8_t>& open) const {
  std::vector<const void*> input(values_.size(), nullptr);
  for (size_t i = 0; i < input.size(); ++i)
    if (!open[i]) input[i] = value(i);
  return model_->quadratic(input.data());
}

}  // namespace potluck
