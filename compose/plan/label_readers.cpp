// SPDX-License-Identifier: Apache-2.0
#include "compose/plan/label_readers.h"

#include <optional>

#include "compose/experts/leaf_row.h"

namespace potluck {

namespace {

/// Tries it with the row that stands for nothing given.
bool says_category_energies(const Composition& composition, const Leaf& leaf, const Model& model, int32_t input,
                            int64_t categories) {
  const LeafRow row(composition, model, leaf);
  std::vector<const void*> values;
  for (size_t i = 0; i < leaf.inputs.size(); ++i) values.push_back(row.value(i));
  std::vector<double> energy(static_cast<size_t>(categories));
  Workspace workspace(model.workspace_bytes(1));
  potluck_call call{};
  call.size = sizeof(call);
  call.rows = 1;
  call.input = values.data();
  call.threads = 1;
  call.workspace = workspace.data();
  return model.category_energies(call, input, energy.data());
}

/// The element of the variable that an input reads, where it reads one label a chain.
std::optional<int64_t> element_of(const PlannedEvaluation& evaluation, const PlannedInput& input) {
  if (evaluation.normaliser || evaluation.parts != 1 || input.size != 1) return std::nullopt;
  return input.whole ? 0 : input.elements.index.at(0);
}

LabelReaders readers_of(int variable, const Composition& composition, const EvaluationOrder& order,
                        const Experts& experts) {
  const Variable& labels = composition.variables[static_cast<size_t>(variable)];
  LabelReaders readers;
  readers.of_element.resize(static_cast<size_t>(labels.size()));
  for (size_t e = 0; e < order.evaluations.size(); ++e) {
    const PlannedEvaluation& evaluation = order.evaluations[e];
    for (size_t i = 0; i < evaluation.inputs.size(); ++i) {
      if (evaluation.inputs[i].variable != variable) continue;
      const std::optional<int64_t> element = element_of(evaluation, evaluation.inputs[i]);
      if (!element) return {};
      std::vector<LabelReaders::Reader>& of_element = readers.of_element[static_cast<size_t>(*element)];
      const bool reads_twice = !of_element.empty() && of_element.back().evaluation == e;
      if (reads_twice || !says_category_energies(composition, *evaluation.leaf, experts.model(*evaluation.leaf),
                                                 static_cast<int32_t>(i), labels.categories))
        return {};
      of_element.push_back({e, static_cast<int32_t>(i)});
    }
  }
  readers.offered = true;
  return readers;
}

}  // namespace

std::vector<LabelReaders> label_readers(const Composition& composition, const EvaluationOrder& order,
                                        const Experts& experts, const PlanOptions& options) {
  std::vector<LabelReaders> all(composition.variables.size());
  if (options.device.kind != Device::Kind::kCpu) return all;
  for (size_t v = 0; v < composition.variables.size(); ++v) {
    const bool held = v < composition.held.size() && composition.held[v].all();
    if (composition.variables[v].categorical() && !held)
      all[v] = readers_of(static_cast<int>(v), composition, order, experts);
  }
  return all;
}

}  // namespace potluck
