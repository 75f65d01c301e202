// SPDX-License-Identifier: Apache-2.0
#include "compose/session/ranks.h"

#include <fmt/format.h>

namespace potluck {

Rank chains_of_rank(const Ranks& ranks, const Session& session) {
  if (!ranks.several()) return {};
  const SampleSettings& sample = session.composition().sample;
  if (sample.until.any()) {
    throw SettingError("sample.until",
                       fmt::format(" must have only steps where {} processes share the run (from {}): the other rules "
                                   "need all chains in one process. Use until: {{steps: {}}}",
                                   ranks.world, ranks.told_by, sample.steps));
  }
  return session.split(ranks.world).at(static_cast<size_t>(ranks.rank));
}

}  // namespace potluck
