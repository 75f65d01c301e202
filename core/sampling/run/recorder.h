// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "core/chains/chains.h"
#include "core/chains/rank_chains.h"
#include "core/methods/method.h"
#include "core/sampling/run/run.h"
#include "core/sampling/run/swap_counts.h"
#include "core/sampling/run/virial_watch.h"

namespace potluck {

/// Takes a run's draws: shows each to the observers, counts it and has it stored. Counting and storing decide nothing,
/// so they are left for when the chains move on, and done beside their next steps (Chains::advance).
///
/// What is left of a draw reads the state that `own` holds and adds to the sums of `summary`: neither may be touched
/// elsewhere until it is done, nor another draw be taken.
class Recorder {
 public:
  /// @param sweep   the method moves one block after the other
  /// @param method  is not changed after the warm-up. All that is given outlives this.
  Recorder(const Target& target, bool sweep, const Method& method, std::span<Observer* const> observers, Chains& chains,
           RankChains& own, RunSummary& summary);

  /// The chains are where the warm-up ended.
  void begin();

  /// Takes a draw after `step` steps of sampling, at least one behind the last draw. Returns the mean acceptance of the
  /// chains that move.
  double take(int64_t step);

  /// What the chains did since the last draw.
  struct Since {
    double acceptance = 1;    ///< mean over the chains that move
    int64_t divergences = 0;  ///< over all chains
  };
  /// After `step` steps of sampling, at least one behind the last draw. Reads the chains.
  Since since_draw(int64_t step);

  /// What is left to do of the last draw, as work for Chains::advance; empty: nothing.
  std::function<void()> rest();

  /// Does now what is left, if anything. @throws what an observer throws; nothing is left then either.
  void finish();

  VirialWatch& virial() { return virial_; }
  SwapCounts& swaps() { return swaps_; }

 private:
  void count();
  double read_acceptance();
  double weight(RowSum::Per per) const;
  Draw shown(int64_t step) const;

  std::span<Observer* const> observers_;
  const Method& method_;
  Chains& chains_;
  RankChains& own_;
  RunSummary& summary_;
  bool counts_energies_;
  double coordinates_with_faces_;
  VirialWatch virial_;
  SwapCounts swaps_;
  std::vector<double> acceptance_;
  std::vector<uint8_t> diverged_;
  double steps_ = 0;  ///< between the last draw and the one before
  Draw draw_;
  bool left_ = false;  ///< something of draw_
};

}  // namespace potluck
