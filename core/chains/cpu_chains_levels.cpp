// SPDX-License-Identifier: Apache-2.0
// What is done to chains between two levels of noise.
#include "core/chains/blurred.h"
#include "core/chains/cpu_chains.h"

namespace potluck {

void* CpuChains::rows_of_own(size_t variable, int64_t tile) {
  const int64_t numbers = tiles_.most_rows() * energy_.variables()[variable].size();
  return constants_[variable].get() + static_cast<size_t>(tile * numbers) * real_;
}

void CpuChains::make_blurred(const ChainsOptions& options) {
  const std::vector<Variable>& variables = energy_.variables();
  stays_.resize(variables.size());
  clean_.resize(variables.size());
  given_.resize(variables.size());
  for (size_t v = 0; v < variables.size(); ++v) {
    stays_[v] = flow_leaves(options, held_[v], v);
    clean_[v] = given_without_noise(options, held_[v], v);
    if (clean_[v].empty()) continue;
    given_[v].resize(clean_[v].size() * real_);
    for (size_t j = 0; j < clean_[v].size(); ++j)
      store(energy_.precision(), given_[v].data(), static_cast<int64_t>(j), held_[v].value[j]);
  }
  for (int64_t tile = 0; tile < tiles_.count(); ++tile) {
    Group& group = groups_[static_cast<size_t>(tile)];
    for (Block& block : group.blocks)
      if (!stays_[static_cast<size_t>(block.variable)].empty())
        block.stays = stays_[static_cast<size_t>(block.variable)].data();
    for (size_t v = 0; v < variables.size(); ++v) {
      if (clean_[v].empty()) continue;
      if (held_[v].all()) group.current[v] = group.proposed[v] = rows_of_own(v, tile);
      NoisyGiven given = noisy_given_of(variables[v]);
      given.clean = clean_[v].data();
      given.given = given_[v].data();
      // Rows that hold some numbers or all: no move writes what is held.
      given.position = const_cast<void*>(group.current[v]);
      group.noisy_givens.push_back(given);
    }
  }
}

void CpuChains::flow(double amount) {
  pool_.run(tiles_.count(), [&](int64_t tile, int worker) { kernels_.flow(group_for(tile, worker), amount); });
}

void CpuChains::blur_given(double deviation, uint32_t step) {
  pool_.run(tiles_.count(),
            [&](int64_t tile, int worker) { kernels_.blur_given(group_for(tile, worker), step, deviation); });
}

}  // namespace potluck
