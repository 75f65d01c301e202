// SPDX-License-Identifier: Apache-2.0
#include "core/backend/group.h"

namespace potluck {

void Group::evaluate() const {
  target->evaluate({rows, current.data(), energy, current_gradient.data(), expert_energy, workspace, stream, worker});
}

void Group::evaluate_proposal() const {
  target->evaluate({rows, proposed.data(), proposal_energy, proposed_gradient.data(), proposal_expert_energy, workspace,
                    stream, worker});
}

}  // namespace potluck
