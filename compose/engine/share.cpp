// SPDX-License-Identifier: Apache-2.0
#include "compose/engine/share.h"

#include <fmt/format.h>

namespace potluck::engine {

Rank rank_of(const Share& share, const Session& session) {
  const int64_t chains = session.composition().sample.chains;
  const bool all = share.first == 0 && share.count == 0;
  const bool some = share.first >= 0 && share.count >= 1 && share.first < chains && share.count <= chains - share.first;
  if (!all && !some)
    throw SettingError("share", fmt::format(" must be of chains among 0 ... {}, got {} from {} on. {{0, 0}} takes all",
                                            chains - 1, share.count, share.first));
  if (share.count == chains) return {};
  return {share.first, share.count};
}

void check_until(const Rank& rank, const Session& session) {
  const potluck::SampleSettings& sample = session.composition().sample;
  if (rank.count == 0 || !sample.until.any()) return;
  throw SettingError("sample.until",
                     fmt::format(" must have only steps where the run has a share of the chains, got other rules and "
                                 "{} of {} chains: those rules need all of them. Use until: {{steps: {}}}",
                                 rank.count, sample.chains, sample.steps));
}

}  // namespace potluck::engine
