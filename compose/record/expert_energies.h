// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "compose/record/run_facts.h"
#include "core/diagnostics/energy_shares.h"

namespace potluck {

/// The energies of the target and of its experts over steps, with each expert's share.
ExpertEnergyFacts expert_energy_facts(const EnergyShares& shares, const std::vector<std::string>& experts);

/// What expert_energy_facts() was made of.
EnergyShares energy_shares_of(const ExpertEnergyFacts& facts);

}  // namespace potluck
