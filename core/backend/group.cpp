// SPDX-License-Identifier: Apache-2.0
#include "core/backend/group.h"

#include <algorithm>

#include "core/random/philox.h"

namespace potluck {

Block block_of(int variable, const Variable& described) {
  Block block;
  block.variable = variable;
  block.n = described.size();
  block.key = variable_key(described.name);
  block.least = described.least;
  block.most = described.most;
  block.faces = described.has_face();
  return block;
}

LabelBlock label_block_of(int variable, const Variable& described) {
  LabelBlock block;
  block.variable = variable;
  block.n = described.size();
  block.categories = described.categories;
  block.key = variable_key(described.name);
  return block;
}

Group Group::of_variables(std::span<const int> variables, const Needs& needs) const {
  Group some = *this;
  some.blocks.clear();
  some.dimension = 0;
  some.gradient_square = nullptr;
  some.energy_sums = nullptr;
  some.proposed = current;
  std::fill(some.current_gradient.begin(), some.current_gradient.end(), nullptr);
  std::fill(some.proposed_gradient.begin(), some.proposed_gradient.end(), nullptr);
  for (Block block : blocks) {
    if (std::find(variables.begin(), variables.end(), block.variable) == variables.end()) continue;
    if (some.blocks.empty()) some.decision_key = block.key;
    if (!needs.velocity) block.velocity = nullptr;
    if (!needs.proposal_velocity) block.proposal_velocity = nullptr;
    some.dimension += block.moving;
    some.proposed[block.variable] = proposed[block.variable];
    some.current_gradient[block.variable] = current_gradient[block.variable];
    some.proposed_gradient[block.variable] = proposed_gradient[block.variable];
    some.blocks.push_back(block);
  }
  some.label_blocks.clear();
  for (const LabelBlock& block : label_blocks) {
    if (std::find(variables.begin(), variables.end(), block.variable) == variables.end()) continue;
    some.proposed[block.variable] = block.proposal;
    some.label_blocks.push_back(block);
  }
  return some;
}

void Group::evaluate() const {
  target->evaluate({rows, current.data(), energy, current_gradient.data(), expert_energy, workspace, stream, worker});
}

void Group::evaluate_proposal() const {
  target->evaluate({rows, proposed.data(), proposal_energy, proposed_gradient.data(), proposal_expert_energy, workspace,
                    stream, worker});
}

LabelRows label_rows(const Group& group, const LabelBlock& labels, int64_t element) {
  return {.rows = group.rows,
          .n = labels.n,
          .element = element,
          .categories = labels.categories,
          .seed = group.seed,
          .variable = labels.key,
          .chain = group.chain,
          .frozen = group.frozen,
          .frozen_step = group.frozen_step,
          .temperature = group.temperature,
          .row_temperature = group.row_temperature,
          .energy = group.category_energy,
          .label = labels.label,
          .proposal = labels.proposal};
}

bool Group::evaluate_categories(const LabelBlock& labels, int64_t element) const {
  if (!target->offers_category_energies(labels.variable)) return false;
  target->category_energies(
      {{.rows = rows, .position = current.data(), .workspace = workspace, .stream = stream, .worker = worker},
       labels.variable,
       element,
       category_energy});
  return true;
}

void Group::evaluate_offered(int64_t category) const {
  target->evaluate({.rows = rows,
                    .position = proposed.data(),
                    .energy = category_energy + category * rows,
                    .workspace = workspace,
                    .stream = stream,
                    .worker = worker});
}

}  // namespace potluck
