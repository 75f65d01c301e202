// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/diagnostics/energy_shares.h"
#include "core/diagnostics/virial.h"
#include "core/energy/energy.h"
#include "core/sampling/cooling.h"
#include "core/sampling/start.h"
#include "core/settings.h"

namespace potluck {

/// What is sampled: exp(-E(x)/T) on the coordinates that are not held.
struct Target {
  const Energy* energy = nullptr;
  std::vector<Held> held;  ///< one per variable
  double temperature = 1;  ///< T > 0, acts once on the finished composite
};

/// Ends a run before its budget. Asked after every draw, when the observers have seen it, and before a run goes on.
class StopRule {
 public:
  virtual ~StopRule() = default;
  /// Why the run may end now, such as "until rhat <= 1.01: 1.008 after 1200 steps"; none: it goes on.
  virtual std::optional<std::string> reached(int64_t draws, int64_t steps) = 0;
};

/// The chains first ... first + count - 1 of a run, where several processes share it. A method's tuning is the same in
/// all of them: each recomputes the cohort.
struct Rank {
  int64_t first = 0;
  int64_t count = 0;  ///< 0: all chains
};

/// Variables that are moved together, by a method of their own, in a sweep over blocks.
struct BlockOptions {
  std::vector<std::string> variables;  ///< names, at least one
  std::string method = "mala";
  std::vector<SettingValue> values;  ///< as in RunOptions
};

struct RunOptions {
  std::string method = "mala";
  std::vector<SettingValue> values;  ///< one per option of the method, in its declared order
  /// Not empty: a step moves these one after the other, and `method` and `values` are not used. Every variable that
  /// moves is in exactly one.
  std::vector<BlockOptions> blocks;
  int64_t chains = 64;
  Cooling cooling;       ///< before the warm-up
  int64_t warmup = 500;  ///< steps that tune the method and are not recorded
  int64_t steps = 1000;
  int64_t thin = 1;  ///< a draw every `thin` steps
  uint32_t seed = 1;
  int threads = 0;  ///< 0: as many as the machine has
  Rank rank;
  int64_t checkpoint_every = 0;  ///< steps between checkpoints; 0: one where the run ends or is interrupted
  StopRule* until = nullptr;     ///< none: all steps
};

/// The state of every chain at a recorded step. Valid during the call only, on the CPU, but for that of drew(), which
/// stays until record() has returned.
struct Draw {
  int64_t index = 0;  ///< 0, 1, ...
  int64_t step = 0;   ///< counted from the end of the warm-up: thin, 2 thin, ...
  int64_t chains = 0;
  std::vector<const void*> position;      ///< [variables]: [chains, n] in the run's precision; int64_t if categorical
  const double* energy = nullptr;         ///< [chains], of the finished composite, before temperature
  const double* expert_energy = nullptr;  ///< [experts, chains]
  const double* acceptance = nullptr;     ///< [chains] mean acceptance probability since the last draw; 1 if unadjusted
  const uint8_t* frozen = nullptr;        ///< [chains] 1: the chain's state failed and it moves no more
  const uint8_t* diverged = nullptr;      ///< [chains] 1: a step since the last draw did; null: none
};

/// Where a run stands, after each block of steps. A run that goes on from a checkpoint has steps that another process
/// did: a rate is of those done here.
struct Progress {
  bool warmup = false;
  int64_t done = 0;  ///< steps of this phase, by all processes
  int64_t total = 0;
  double acceptance = 1;  ///< mean over chains since the last report
  double step_size = 0;
  double seconds = 0;  ///< of this phase, in all processes
  int64_t frozen = 0;
  int64_t done_here = 0;        ///< steps of this phase since this process began
  double seconds_here = 0;      ///< likewise
  double gradients_here = 0;    ///< likewise, evaluations of energy and gradient over all chains of this process
  double gradients_a_step = 1;  ///< of a chain in the next steps; at the end of a phase, in those that were done here
  bool leapfrogs = false;       ///< those are the leapfrogs of trajectories
  int64_t chains = 0;           ///< of this process

  double steps_a_second() const;      ///< NaN where nothing was done here
  double gradients_a_second() const;  ///< over all chains, likewise
  /// The gradients of the steps to come at the rate of those done here: a rate of steps would be wrong where
  /// trajectories grow. NaN where there is no rate.
  double seconds_left() const;
};

/// Receives what a run produces. Called from the thread that called run(), but for record(), and never two at once.
class Observer {
 public:
  virtual ~Observer() = default;
  /// The run waits for it: what it does to `stop` or to a StopRule holds before the next step.
  virtual void drew(const Draw&) {}
  /// The same draw again, for what takes time and decides nothing, such as storing it: called while the chains move on,
  /// from any thread of the run. Once for every draw that drew() has returned from in all observers, in their order,
  /// before the next one, before a checkpoint and before run() returns or throws. What it throws ends the run.
  virtual void record(const Draw&) {}
  virtual void progressed(const Progress&) {}
  /// Everything that run() needs to go on from here bit for bit, after `draws` draws.
  virtual void checkpointed(std::span<const std::byte> /*state*/, int64_t /*draws*/) {}
};

/// A chain whose state had an energy that is not a number, or a gradient that is not finite.
struct FrozenChain {
  int64_t chain = 0;
  int64_t step = 0;  ///< counted from the first step of cooling and warm-up
  std::vector<double> expert_energy;
};

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
  int64_t divergences = 0;            ///< proposals whose energy error was above 1000 temperatures, or infinite
  int64_t nan_proposals = 0;          ///< proposals rejected because their energy or gradient was not a number,
                                      ///< after the warm-up
  int64_t warmup_nan_proposals = 0;   ///< the same in cooling and warm-up
  double start_energy = 0;            ///< median over chains where they began, as the run moves them
  std::vector<FrozenChain> frozen;    ///< the first 100
  int64_t frozen_count = 0;
  double warmup_seconds = 0;
  double sampling_seconds = 0;
  double acceptance_sum = 0, clipped_sum = 0;  ///< over draws, the second over chains too
  StepSum energy_error;     ///< (energy error / T)^2 of proposals whose energy was a number, at most 1000^2 each, or of
                            ///< steps of mclmc; count 0: the method has none
  StepSum gradient_square;  ///< |grad E|^2 over the free coordinates of the state after a step
  StepSum reflected;  ///< folds at a face, of coordinates with reflecting faces and steps; count 0: there are none
  EnergyShares energy_shares{0};  ///< of the states after steps; count 0: not counted, as of one expert or of a sweep
  std::vector<VariableVirial> virial;  ///< of the variables on the real line, where the method has the identity
  SwapSummary swaps;
  std::vector<std::string> notes;  ///< what the method has to say: effective temperature, share clipped
};

/// What run() would refuse before it draws anything.
/// @throws SettingError for options out of bounds, or a method that cannot use this energy.
void check_run(const Target& target, const RunOptions& options);

/// Draws the starts, cools them, warms all chains up with what the cohort (chains 0 ... min(chains, 256) - 1) finds
/// step by step, freezes what was tuned and samples. The draws on the CPU are the same bits for any number of threads,
/// and for any number of chains once the cohort is full. Stops at the end of a block once `stop` is set.
/// @param checkpoint what Observer::checkpointed gave in a run of the same target and options, to go on from there; the
///   observers then see only what follows. Empty: a new run.
/// @throws SettingError for options out of bounds; NumericalError where a chain finds no start with density, or all
///   chains are frozen; PluginError from the energy.
RunSummary run(const Target& target, const Start& start, const RunOptions& options,
               std::span<Observer* const> observers, const std::atomic<bool>& stop,
               std::span<const std::byte> checkpoint = {});

/// A sampling method as the user names it.
struct MethodDescription {
  std::string name;
  std::string summary;
  std::string reference;
  bool exact = false;            ///< leaves exp(-E/T) invariant whatever the step size
  bool whole = false;            ///< moves all variables or none: not a block of a sweep
  bool own_temperature = false;  ///< runs at a temperature that its options set, whatever the target's
  std::vector<SettingDescription> options;
};

/// All methods, in alphabetical order.
const std::vector<MethodDescription>& methods();

/// @throws SettingError "sample.method must be one of …, got '…'. Did you mean …?"
const MethodDescription& method(const std::string& name);

/// How many rows the energy of a run must be made for (`Energy::most_rows`): the largest tile on the CPU, all chains
/// with all their replicas on CUDA.
int64_t rows_of_a_call(const Device& device, int64_t chains, int64_t replicas = 1);

/// How many workers may evaluate the energy of a run at once, before it is known how its chains are cut: no more than
/// `threads`, and on the CPU one for each chain, and one that stores draws beside them.
int workers_of_a_run(const Device& device, int64_t chains, int threads);

/// Replicas of a chain: 1 but for a method that tempers. @throws SettingError as a run of the method would.
int64_t replicas_of(const std::string& method, const std::vector<SettingValue>& values);

}  // namespace potluck
