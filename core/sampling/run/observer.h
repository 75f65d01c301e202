// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace potluck {

/// Ends a run before its budget. Asked after every draw, when the observers have seen it, and before a run goes on.
class StopRule {
 public:
  virtual ~StopRule() = default;
  /// Why the run may end now, such as "R-hat reached 1.008 (x[2]), at most 1.01 was asked for, after 1200 steps"; none:
  /// it goes on.
  virtual std::optional<std::string> reached(int64_t draws, int64_t steps) = 0;
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

/// What a run knows before it ends.
struct Beginning {
  std::string start;         ///< RunSummary::start
  bool exact_start = false;  ///< RunSummary::exact_start
  double start_energy = 0;   ///< RunSummary::start_energy

  // Once the warm-up is over:
  std::optional<double> step_size;  ///< where the method has one
  std::optional<int64_t> warmup_nan_proposals;
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
  /// Called where the chains have their starts, and again where sampling begins; of a run that goes on from a
  /// checkpoint where it does.
  virtual void began(const Beginning&) {}
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

}  // namespace potluck
