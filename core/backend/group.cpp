// SPDX-License-Identifier: Apache-2.0
#include "core/backend/group.h"

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

void Group::evaluate() const {
  target->evaluate({rows, current.data(), energy, current_gradient.data(), expert_energy, workspace, stream, worker});
}

void Group::evaluate_proposal() const {
  target->evaluate({rows, proposed.data(), proposal_energy, proposed_gradient.data(), proposal_expert_energy, workspace,
                    stream, worker});
}

}  // namespace potluck
