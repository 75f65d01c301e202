// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "apps/record/run_record.h"
#include "core/diagnostics/energy_shares.h"

namespace potluck {

/// `expert_energies` of run.json: the energies of the target and of its experts over steps, with each expert's share.
RunRecord expert_energies_record(const EnergyShares& shares, const std::vector<std::string>& experts);

/// What expert_energies_record() wrote.
EnergyShares energy_shares_of(const RunRecord& record);

}  // namespace potluck
