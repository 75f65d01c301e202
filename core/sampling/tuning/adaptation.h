// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include "core/chains/chains.h"
#include "core/sampling/tuning/dense_metric.h"
#include "core/sampling/tuning/diagonal_metric.h"
#include "core/sampling/tuning/dual_averaging.h"
#include "core/sampling/tuning/hottest_climb.h"
#include "core/sampling/tuning/ladder_tuner.h"
#include "core/sampling/tuning/trajectory_tuner.h"

namespace potluck {

/// A shorter warm-up leaves the metric alone.
inline constexpr int64_t kLeastStepsForMetric = 60;

/// Tunes a method, or a part of one, on the cohort during warm-up: one observation a step, everything scheduled in
/// steps.
///
///   0 ... 10 %    the step size alone
///   10 ... 80 %   the metric too, renewed at 25, 50 and 80 % from what was read since it was last; trajectories climb,
///                 at 25 % from one leapfrog again
///   80 ... 90 %   the step size anew in the last metric, trajectories on
///   90 ... 100 %  the step size alone
///
/// Of a ladder of temperatures every rung has its own step size; metric and trajectory are learned on the coldest one.
/// The temperatures are spaced anew at 10, 20, 40 and 80 %, and where the hottest was raised (HottestClimb); step sizes
/// then begin at those of the old ladder.
///
/// A chain that is frozen, or whose proposal was not a number, changes nothing for the others, unless more than a tenth
/// of the cohort fails like that: then its failures count as rejections, for the step size is to blame.
class Adaptation {
 public:
  /// @param part its variables alone have their metric and centre set. @param coordinates of it that move.
  /// @param steps of the warm-up, > 0. @param most bound of the step size. @param whitened the energy of the chains
  /// where the metric is dense, which outlives this; null: it is diagonal.
  Adaptation(const MethodPart& part, Chains& chains, double temperature, int64_t coordinates, int64_t steps,
             double most, WhitenedEnergy* whitened = nullptr);

  /// Reads the cohort after the part's move of step `step` (0, 1, ...) and sets what its next one uses. In steps
  /// before 0, which are hotter, the step size alone is tuned.
  /// @param nan_proposals [cohort] what the chains had counted before the move; then what they have now.
  void observe(int64_t step, std::vector<uint32_t>& nan_proposals);
  /// Tunes step sizes anew, from those tuned so far.
  void restart();
  /// The same, from a step size; what the cohort counted so far is not looked at.
  /// @param nan_proposals  as of observe()
  void restart_from(double step_size, std::vector<uint32_t>& nan_proposals);
  /// Multiplies step sizes by a factor and goes on tuning.
  void rescale_steps(double factor);
  /// Sets what is kept.
  void finish();

  /// Mean acceptance of the cohort in the last step; 1 where the method does not propose.
  double acceptance() const { return acceptance_; }
  const std::vector<uint8_t>& frozen() const { return reading_.frozen; }
  const std::vector<std::vector<double>>& scale() const { return scale_; }

  /// @param variables  of the run, whose lengths the metric and the centre have
  void persist(StateArchive& archive, const std::vector<Variable>& variables);

 private:
  int64_t rungs() const { return static_cast<int64_t>(step_size_.size()); }
  double harmonic_mean_over_sound(const std::vector<double>& acceptance, int64_t rung) const;
  double mean_over_sound(const std::vector<double>& sums, int64_t rung) const;
  bool passes(int64_t step, int64_t percent) const;
  void tune_step_size();
  void tune_metric(int64_t step);
  void tune_trajectory(int64_t step);
  /// What Tuning::max_leapfrogs lets be of it.
  void set_trajectory_length(double length);
  double mean_slope() const;
  /// Sets the new diagonal metric, or the new dense one. Returns the factor by which lengths change.
  double rescale();
  double whiten();
  void tune_ladder(int64_t step);
  /// The factor by which the hottest temperature is to be raised behind this step.
  double climb(int64_t step);
  double mean_log_scale() const;
  double most_step_size(int64_t rung) const;
  /// Hands the step sizes of all rungs, and their temperatures, to the method and the chains.
  void set_step_sizes(const std::vector<double>& of_rungs);
  /// Those that are tried next, after a change of all by `change`.
  template <class Change>
  void change_step_sizes(const Change& change);
  /// Positions and gradients of the part's variables.
  void read_positions();

  Method& method_;
  std::vector<int> variables_;  ///< empty: all
  Chains& chains_;
  Tuning tuning_;
  double temperature_;
  int64_t coordinates_;
  int64_t steps_;
  double most_;  ///< step size of the coldest rung
  WhitenedEnergy* whitened_;
  std::vector<DualAveraging> step_size_;  ///< of every rung; one where there is no ladder
  LadderTuner ladder_;
  HottestClimb climb_;
  DiagonalMetric metric_;
  DenseMetric dense_;
  TrajectoryTuner trajectory_;
  std::vector<std::vector<double>> scale_, centre_;
  double acceptance_ = 1;
  CohortReading reading_;
  CohortPositions positions_;
  std::vector<uint8_t> sound_;  ///< [cohort] 1: counts in this step
};

}  // namespace potluck
