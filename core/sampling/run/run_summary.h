// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <type_traits>
#include <vector>

#include "core/backend/row_sums.h"
#include "core/diagnostics/energy_shares.h"
#include "core/diagnostics/virial.h"
#include "core/methods/swap_summary.h"

namespace potluck {

/// A chain whose state had an energy that is not a number, or a gradient that is not finite.
struct FrozenChain {
  int64_t chain = 0;
  int64_t step = 0;  ///< counted from the first step of annealing and warm-up
  std::vector<double> expert_energy;
};

/// What moved a block of a sweep.
struct BlockSummary {
  std::vector<std::string> variables;
  std::string method;
  double step_size = 0;
  double trajectory_length = 0;  ///< 0 where there is none
};

/// A sum over steps of the chains that had not frozen by the next draw, and how many things were added: so those of
/// several processes can be joined.
struct StepSum {
  double sum = 0;
  double count = 0;
  double mean() const { return sum / count; }
  /// Of a sum of squares.
  double root_mean_square() const;
};

/// What a run makes of a sum of its rows: of what is counted the number, of a figure the sum with what it is a mean
/// over.
template <class Number>
using RunTotal = std::conditional_t<std::is_integral_v<Number>, int64_t, StepSum>;

struct RunSummary {
  std::string method;                ///< "sweep of mala + hmc", of its blocks
  bool exact_method = false;         ///< MethodDescription::exact; of a sweep: of all its blocks
  std::vector<BlockSummary> blocks;  ///< of a sweep
  std::string start;                 ///< Start::description, and whether starts had to be drawn again
  bool exact_start = false;
  std::string why_stopped;  ///< "all 2000 steps done", "interrupted"
  bool interrupted = false;
  int64_t steps_done = 0;
  int64_t draws = 0;
  bool stopped_by_rule = false;
  double step_size = 0;            ///< of a sweep: the least of its blocks
  double trajectory_length = 0;    ///< mean, 0 where there is none
  double acceptance = 1;           ///< mean over chains, steps after the warm-up and blocks that propose
  int64_t evaluations = 0;         ///< of energy and gradient, a chain, after the warm-up
  int64_t warmup_evaluations = 0;  ///< a chain, in the warm-up
  int64_t rows_evaluated = 0;      ///< of energy and gradient, of all chains here after the warm-up, with the rows that
                                   ///< filled up a batch
  int64_t warmup_rows_evaluated = 0;  ///< the same in the warm-up; a rank's with those of the cohort
  /// Over chains, after the warm-up: counts, and means of chains that had not frozen by the next draw (energy errors of
  /// proposals whose energy was a number, at most 1000^2 each, or of steps of mclmc). A count of 0: the method or the
  /// variables have none.
  RowSums<RunTotal> sums;
  RowSums<RunTotal> warmup_sums;    ///< the counts since the run began where the warm-up ended
  double start_energy = 0;          ///< median over chains where they began, as the run moves them
  std::vector<FrozenChain> frozen;  ///< the first 100
  int64_t frozen_count = 0;
  double warmup_seconds = 0;
  double sampling_seconds = 0;
  double acceptance_sum = 0, clipped_sum = 0;  ///< over draws, the second over chains too
  EnergyShares energy_shares{0};  ///< of the states after steps; count 0: not counted, as of one expert or of a sweep
  std::vector<VariableVirial> virial;  ///< of the variables on the real line, where the method has the identity
  SwapSummary swaps;
  std::vector<std::string> notes;  ///< what the method has to say: effective temperature, share clipped
};

/// What chains did behind the warm-up, counted up to their last step.
struct SoFar {
  int64_t steps = 0;
  double acceptance = 1;  ///< mean over steps and the chains that move
  int64_t divergences = 0;
};

}  // namespace potluck
