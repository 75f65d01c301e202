// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>

#include "core/methods/method_choice.h"
#include "core/methods/target.h"
#include "core/sampling/run/observer.h"
#include "core/sampling/run/run_summary.h"
#include "core/sampling/run/schedule.h"
#include "core/sampling/start/start.h"

namespace potluck {

/// The chains first ... first + count - 1 of a run, where several processes share it. A method's tuning is the same in
/// all of them: each recomputes the cohort.
struct Rank {
  int64_t first = 0;
  int64_t count = 0;  ///< 0: all chains
};

struct RunOptions : MethodChoice {
  int64_t chains = 64;
  Schedule anneal;       ///< before the warm-up
  int64_t warmup = 500;  ///< steps that tune the method and are not recorded
  int64_t steps = 1000;
  int64_t thin = 1;  ///< a draw every `thin` steps
  uint32_t seed = 1;
  int threads = 0;  ///< 0: as many as the machine has
  Rank rank;
  int64_t checkpoint_every = 0;  ///< steps between checkpoints; 0: one where the run ends or is interrupted
  StopRule* until = nullptr;     ///< none: all steps
};

/// What run() would refuse before it draws anything.
/// @throws SettingError for options out of bounds, or a method that cannot use this energy.
void check_run(const Target& target, const RunOptions& options);

/// Draws the starts, anneals them, warms all chains up with what the cohort (chains 0 ... min(chains, 256) - 1) finds
/// step by step, freezes what was tuned and samples. The draws on the CPU are the same bits for any number of threads,
/// and for any number of chains once the cohort is full. Stops at the end of a block once `stop` is set.
/// @param checkpoint what Observer::checkpointed gave in a run of the same target and options, to go on from there; the
///   observers then see only what follows. Empty: a new run.
/// @throws SettingError for options out of bounds; NumericalError where a chain finds no start with density, or all
///   chains are frozen; PluginError from the energy.
RunSummary run(const Target& target, const Start& start, const RunOptions& options,
               std::span<Observer* const> observers, const std::atomic<bool>& stop,
               std::span<const std::byte> checkpoint = {});

}  // namespace potluck
