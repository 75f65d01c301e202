// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

#include "compose/session/session.h"

namespace potluck {

/// Which of several processes that share a run this one is.
struct Ranks {
  int64_t rank = 0;
  int64_t world = 1;
  std::string told_by;  ///< "--rank and --world", or the launcher: "Open MPI"; empty: nobody

  bool several() const { return world > 1; }
};

/// The chains of this process: cut where it makes no difference to their bits.
/// @throws SettingError with the reason where the run cannot be split, or not among so many
Rank chains_of_rank(const Ranks& ranks, const Session& session);

}  // namespace potluck
