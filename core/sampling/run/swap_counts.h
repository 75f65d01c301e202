// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include "core/chains/rank_chains.h"
#include "core/sampling/run/run.h"
#include "core/state_archive.h"

namespace potluck {

/// What the ladders of a run counted of their swaps, and what their hottest replicas' energies were, over its draws.
class SwapCounts {
 public:
  /// A draw. Nothing where there are no ladders.
  void add(const RankChains& own);
  /// @param temperature  [replicas]
  SwapSummary summary(const std::vector<double>& temperature, int64_t chains, int64_t steps) const;

  /// @param pairs, ladders  of the run
  /// @throws FileError where what is read is nothing that swaps of so many can have led to.
  void persist(StateArchive& archive, size_t pairs, size_t ladders);

 private:
  void add_hottest(const RankChains& own);

  std::vector<int64_t> attempts_;   ///< [replicas - 1]
  std::vector<double> acceptance_;  ///< likewise
  int64_t round_trips_ = 0;
  int64_t draws_ = 0;
  // Of the hottest replica's energies, [ladders]: squares are of distances from the mean. NaN once it froze.
  std::vector<double> mean_, squares_;
};

}  // namespace potluck
