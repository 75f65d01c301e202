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
  return some;
}

void Group::evaluate() const {
  target->evaluate({rows, current.data(), energy, current_gradient.data(), expert_energy, workspace, stream, worker});
}

void Group::evaluate_proposal() const {
  target->evaluate({rows, proposed.data(), proposal_energy, proposed_gradient.data(), proposal_expert_energy, workspace,
                    stream, worker});
}

}  // namespace potluck
