// SPDX-License-Identifier: Apache-2.0
#include "core/methods/gibbs.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/error.h"
#include "core/methods/label_blocks.h"
#include "core/methods/method_options.h"

namespace potluck {

const OptionTable<Gibbs::Options>& Gibbs::option_table() {
  static const OptionTable<Options> table({});
  return table;
}

MethodDescription Gibbs::describe() {
  return {.name = "gibbs",
          .summary = "draws the labels of categorical variables from their law given all else: exact, nothing to tune",
          .reference =
              "Geman & Geman 1984, Stochastic relaxation, Gibbs distributions, and the Bayesian restoration "
              "of images, IEEE PAMI 6",
          .exact = true,
          .labels = true,
          .options = option_table().declared()};
}

const MethodDescription& Gibbs::description() const { return method("gibbs"); }

void Gibbs::check(const Target& target) const {
  const int64_t numbers = free_coordinates(target);
  if (numbers == 0) return;
  const bool labels = !moving_labels(target.energy->variables(), target.held).empty();
  throw SettingError(
      "sample.method",
      fmt::format(
          " must be one that moves numbers, got gibbs, which draws labels alone: {} that {} move{} {}. Use mala "
          "or hmc{}",
          numbers == 1 ? "1 number" : fmt::format("{} numbers", numbers),
          numbers == 1 ? "is no label" : "are no labels", numbers == 1 ? "s" : "", labels ? "too" : "alone",
          labels ? ": labels are drawn by gibbs all the same" : ""));
}

void Gibbs::prepare(const Target& target) {
  evaluations_a_step_ = 0;
  const std::vector<Variable>& variables = target.energy->variables();
  for (size_t v = 0; v < variables.size(); ++v) {
    if (!variables[v].categorical()) continue;
    const std::vector<uint8_t> held = v < target.held.size() ? target.held[v].mask : std::vector<uint8_t>();
    const int64_t drawn = variables[v].size() - std::count(held.begin(), held.end(), uint8_t{1});
    const bool at_once = target.energy->offers_category_energies(static_cast<int>(v));
    evaluations_a_step_ += drawn * (at_once ? 1 : variables[v].categories);
  }
}

void Gibbs::advance(Group& group, const Kernels& kernels, StepRange steps) const {
  if (holds_) return;
  for (const LabelBlock& labels : group.label_blocks) kernels.begin_labels(group, labels);
  for (int64_t i = 0; i < steps.count; ++i)
    for (const LabelBlock& labels : group.label_blocks)
      draw(group, kernels, labels, steps.first + static_cast<uint32_t>(i));
}

void Gibbs::draw(Group& group, const Kernels& kernels, const LabelBlock& labels, uint32_t step) {
  for (int64_t element = 0; element < labels.n; ++element) {
    if (labels.held && labels.held[element]) continue;
    const bool at_once = group.evaluate_categories(labels, element);
    for (int64_t k = 0; !at_once && k < labels.categories; ++k) {
      kernels.offer_label(group, labels, element, k);
      group.evaluate_offered(k);
    }
    kernels.draw_label(group, labels, element, step);
  }
}

}  // namespace potluck
