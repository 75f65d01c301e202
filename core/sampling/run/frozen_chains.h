// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "core/chains/own_chains.h"
#include "core/sampling/run/run.h"

namespace potluck {

int64_t count_frozen(const OwnChains& own);
/// Replicas but for the coldest, which is the chain.
int64_t count_frozen_replicas(const OwnChains& own);

/// The first hundred, with their energies. @param ids of all rows.
std::vector<FrozenChain> frozen_chains(const OwnChains& own, const std::vector<int64_t>& ids, size_t experts);

/// @throws NumericalError "step 1734: all 256 chains became non-finite (first: chain 17, expert 'critic' = inf)…" where
/// no chain is left.
void fail_where_all_frozen(const OwnChains& own, const std::vector<int64_t>& ids,
                           const std::vector<std::string>& experts, double step_size);

}  // namespace potluck
