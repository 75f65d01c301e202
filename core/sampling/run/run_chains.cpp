// SPDX-License-Identifier: Apache-2.0
#include "core/sampling/run/run_chains.h"

#include <algorithm>
#include <thread>

namespace potluck {

int workers_of(const RunOptions& options) {
  return options.threads > 0 ? options.threads : std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
}

RunChains::RunChains(const Target& target, const RunOptions& options, const Needs& needs, int64_t replicas) {
  const int64_t count = options.rank.count > 0 ? options.rank.count : options.chains;
  const int64_t first = options.rank.first * replicas, end = first + count * replicas;
  const int64_t cohort = std::min(options.chains * replicas, cohort_size(replicas));
  const int64_t rest = std::max(first, cohort);
  ChainsOptions chains;
  chains.chains = cohort + std::max<int64_t>(0, end - rest);
  chains.rest = rest;
  chains.ladder = replicas;
  chains.seed = options.seed;
  chains.threads = workers_of(options);
  chains.needs = needs;
  if (options.anneal.of_noise()) chains.blurred = options.anneal.blurred;
  chains.noisy_given = options.anneal.noisy_given;
  chains_ = make_chains(target, chains);
  for (int64_t i = 0; i < chains.chains; ++i) ids_.push_back(i < cohort ? i : rest + i - cohort);
  const int64_t mine = first < cohort ? first : cohort;
  own_ = std::make_unique<RankChains>(*chains_, mine, count, replicas, target.energy->experts().size());
  if (mine > 0 && mine == cohort) sampled_ = Chains::Part::kRest;
}

}  // namespace potluck
