// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

namespace potluck {

/// What the energies of one replica of every ladder were over the draws, ladder by ladder; those of ladders whose
/// replica froze are left out.
struct LadderEnergies {
  int64_t ladders = 0;
  int64_t draws = 0;
  double mean = 0;
  double between = 0;  ///< sum over ladders of (mean of a ladder - mean)^2
  double within = 0;   ///< mean over ladders of the variance of the draws
  /// sqrt((n - 1)/n + between/(ladders - 1)/within) of n draws; NaN below two ladders or draws, or where nothing
  /// varies.
  double rhat() const;
};

/// How the replicas of tempered chains exchanged their states after the warm-up; empty where there are none.
struct SwapSummary {
  std::vector<double> temperature;  ///< [replicas]
  std::vector<double> rate;         ///< [replicas - 1] mean probability of a swap of neighbours; NaN: none was tried
  std::vector<int64_t> attempts;    ///< [replicas - 1] swaps that were tried
  double barrier = 0;               ///< sum of 1 - rate: Lambda of Syed et al. 2022
  double round_trips = 0;           ///< a ladder and step: replicas that came from the coldest to the hottest and back
  LadderEnergies hottest;           ///< of the hottest replicas
};

}  // namespace potluck
