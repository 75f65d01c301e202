// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/methods/method.h"
#include "core/methods/option_table.h"

namespace potluck {

// Options that several methods have, so that they are named, bounded and described alike.

/// `step_size`, auto by default. @param meaning what is added to the summary before "auto: ...".
SettingDescription step_size_option(const std::string& meaning, const std::string& how_tuned);

/// In which coordinates a method moves.
enum class Metric {
  kAuto,      ///< u = x / s, a scale for every coordinate, tuned where the step size is
  kIdentity,  ///< x
  kDense      ///< z of a full matrix (WhitenedEnergy), tuned; the step size must be too
};

/// `metric`, but for its words.
SettingDescription metric_description(bool dense);

/// `metric`: auto, identity or dense.
template <class Options>
BoundOption<Options> metric_option(Metric Options::*field) {
  return choice_option(field, metric_description(true),
                       {{"auto", Metric::kAuto}, {"identity", Metric::kIdentity}, {"dense", Metric::kDense}});
}
/// The same without dense, for ladders of temperatures.
template <class Options>
BoundOption<Options> diagonal_metric_option(Metric Options::*field) {
  return choice_option(field, metric_description(false), {{"auto", Metric::kAuto}, {"identity", Metric::kIdentity}});
}

/// `trajectory_length`, auto by default.
SettingDescription trajectory_length_option(const std::string& summary);

/// `max_leapfrogs`, of trajectories that are jittered. @param of_tuned what is added to the summary.
SettingDescription max_leapfrogs_option(int64_t preset, const std::string& of_tuned);

/// @throws SettingError where the metric is dense and the step size a number.
void check_metric(Metric metric, std::optional<double> step_size);
/// Warm-up tunes the metric.
bool metric_tuned(Metric metric, std::optional<double> step_size);

/// Leapfrog steps of size h in a trajectory of length tau in step `step` of a run: ceil(2 u tau / h) with u the van der
/// Corput sequence, the quasi-random jitter of Hoffman, Radul & Sountsov 2021, section 3.1; at least 1, at most `most`.
int64_t jittered_steps(double trajectory_length, double step_size, int64_t most, uint32_t step);
/// Their sum over a range of steps.
int64_t jittered_steps(double trajectory_length, double step_size, int64_t most, StepRange steps);
/// The mean length of trajectories of which the longest has so many leapfrogs.
double longest_trajectory(double step_size, int64_t max_leapfrogs);
/// 2 u of that step.
double trajectory_jitter(uint32_t step);

/// What a user must know where trajectories reach `max_leapfrogs`; empty: none does.
std::vector<std::string> cut_trajectory_notes(double trajectory_length, double step_size, int64_t max_leapfrogs);

/// The target of a block: the other variables are held whole.
Target target_of(const Target& target, const std::vector<int>& variables);

/// Coordinates that move.
int64_t free_coordinates(const Target& target);

/// @throws SettingError "sample.method mclmc must have at least 2 coordinates that move, got 1. Use hmc"
void check_at_least_two(const Target& target, const std::string& method_name);

}  // namespace potluck
