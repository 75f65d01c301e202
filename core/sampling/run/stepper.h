// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "core/energy/whitened_energy.h"
#include "core/methods/method.h"
#include "core/sampling/run/level_steps.h"
#include "core/sampling/run/phase_clock.h"
#include "core/sampling/run/recorder.h"
#include "core/sampling/run/run.h"
#include "core/sampling/run/run_chains.h"
#include "core/sampling/start/placement.h"
#include "core/sampling/tuning/cohort_tuning.h"
#include "core/state_archive.h"

namespace potluck {

/// The chains of a run, its method, and what was counted so far, in the coordinates that the chains move in (Sampler
/// owns those). A run warms up and then samples, both in steps; all that changes is named in persist().
class Stepper {
 public:
  /// @param whitened  the target's energy, where the metric is dense. All that is given outlives this.
  /// @throws SettingError as check_run()
  Stepper(const Target& target, const RunOptions& options, std::span<Observer* const> observers,
          WhitenedEnergy* whitened);

  // As of Sampler:
  void start(const Start& start);
  void restore(std::span<const std::byte> saved);
  std::vector<std::byte> save();
  bool warming_up() const { return phase_ == Phase::kWarmUp; }
  int64_t warm_up_steps() const { return anneal_steps() + options_.warmup; }
  int64_t steps() const { return step_; }
  int64_t step(int64_t most);
  void end_warm_up();
  void draw();
  void finish_draw() { recorder_->finish(); }
  int64_t draws() const { return summary_.draws; }
  int64_t steps_since_draw() const { return warming_up() ? 0 : step_ - summary_.steps_done; }
  SoFar so_far();
  void fail_where_all_are_frozen() const;
  Beginning beginning() const;
  Progress progress();
  RunSummary summary();

 private:
  enum class Phase : uint8_t { kWarmUp, kSampling };

  Placement place_at_first_level(const Start& start) const;
  void set_ladder();
  int64_t anneal_steps() const { return options_.anneal.any() ? options_.anneal.steps_in_all() : 0; }
  bool anneals() const { return warming_up() && step_ < anneal_steps(); }
  int64_t level() const { return warming_up() ? step_ / options_.anneal.steps : options_.anneal.levels; }
  /// Of the given number that is a level of noise.
  double noise(int64_t level) const;
  void begin_level();
  void set_temperature();
  void set_given(int64_t level) const;
  void follow_flow();
  void evaluate_anew();
  /// What moves the chains of a step that is of no tuning; null: what warm-up tunes.
  const Method* untuned() const;
  void tune();
  void advance(const Method& method, Chains::Part part, int64_t count);
  StepRange next_steps(int64_t count) const;
  void begin_here();
  void take_time() { seconds_of_phase() = clock_.seconds(); }
  double& seconds_of_phase() { return warming_up() ? summary_.warmup_seconds : summary_.sampling_seconds; }
  int64_t evaluations_of_phase() const { return warming_up() ? summary_.warmup_evaluations : summary_.evaluations; }
  double last_acceptance();
  double gradients_a_step(const Method& moved, const Progress& progress) const;
  RowSums<RunTotal> counts_since_start() const;
  void summarise_blocks(RunSummary& summary) const;
  void persist(StateArchive& archive);
  void persist_coordinates(StateArchive& archive);

  const Target& target_;
  RunOptions options_;
  WhitenedEnergy* whitened_;
  std::unique_ptr<Method> method_;
  std::unique_ptr<CohortTuning> tuning_;
  std::unique_ptr<LevelSteps> level_steps_;
  std::unique_ptr<RunChains> chains_;
  Phase phase_ = Phase::kWarmUp;
  int64_t step_ = 0;  ///< steps done in this phase
  int64_t held_label_steps_ = 0;
  double acceptance_ = 1;  ///< of the last draw
  double accepted_ = 0;    ///< acceptance summed over the steps up to it
  PhaseClock clock_;
  struct Done {
    int64_t steps = 0, evaluations = 0;
  };
  Done before_;  ///< of this phase, by other processes
  RunSummary summary_;
  std::unique_ptr<Recorder> recorder_;
};

}  // namespace potluck
