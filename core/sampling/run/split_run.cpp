// SPDX-License-Identifier: Apache-2.0
#include "core/sampling/run/split_run.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "core/backend/tiles.h"
#include "core/chains/chains.h"
#include "core/error.h"
#include "core/methods/method.h"

namespace potluck {

namespace {

std::vector<Rank> split(int64_t chains, int64_t world, int64_t cohort, int64_t tile) {
  std::vector<Rank> ranks;
  int64_t first = 0;
  for (int64_t rank = 1; rank <= world; ++rank) {
    int64_t end = chains * rank / world;
    if (end > cohort && end < chains) end = cohort + (end - cohort + tile / 2) / tile * tile;
    end = std::min(end, chains);
    ranks.push_back({.first = first, .count = end - first});
    first = end;
  }
  return ranks;
}

bool all_have_chains(const std::vector<Rank>& ranks) {
  return std::all_of(ranks.begin(), ranks.end(), [](const Rank& rank) { return rank.count > 0; });
}

}  // namespace

std::vector<Rank> split_run(const Target& target, const RunOptions& options, int64_t world) {
  const std::unique_ptr<Method> method = make_method(options.method, options.values);
  if (method->coupling() == Coupling::kPopulation) {
    throw SettingError(
        "sample.method",
        fmt::format(" must not need all chains at once where {} processes share the run, got '{}'. Use one process",
                    world, options.method));
  }
  // Rows are replicas of chains, and a tile has whole ladders of them.
  const int64_t replicas = method->replicas(), cohort = cohort_size(replicas) / replicas;
  const int64_t tile = target.energy->batch_invariant() ? 1 : filled_tile_rows(*target.energy, replicas) / replicas;
  std::vector<Rank> ranks = split(options.chains, world, cohort, tile);
  if (all_have_chains(ranks)) return ranks;
  int64_t most = std::min(world - 1, options.chains);
  while (!all_have_chains(split(options.chains, most, cohort, tile))) --most;  // one process has all
  const std::string tiles = tile > 1 ? fmt::format(", in tiles of {} chains behind the first {}", tile, cohort) : "";
  throw SettingError("sample.chains",
                     fmt::format(" must be enough for {} processes{}, got {}. Use {} {}, or more chains", world, tiles,
                                 options.chains, most, most == 1 ? "process" : "processes"));
}

}  // namespace potluck
