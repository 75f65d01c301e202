// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "core/chains/rank_chains.h"
#include "core/sampling/run/run.h"

namespace potluck {

int64_t count_frozen(const RankChains& own);
/// Replicas but for the coldest, which is the chain.
int64_t count_frozen_replicas(const RankChains& own);

/// The first hundred, with their energies. @param ids of all rows.
std::vector<FrozenChain> frozen_chains(const RankChains& own, const std::vector<int64_t>& ids, size_t experts);

/// @throws NumericalError "step 1734: all 256 chains became non-finite (first: chain 17, expert 'critic' = inf)…" where
/// no chain is left, with the labels of that chain, and the numbers that moved at that step.
void fail_where_all_frozen(const RankChains& own, const std::vector<int64_t>& ids, const Target& target,
                           const Schedule& anneal, double step_size);

}  // namespace potluck
