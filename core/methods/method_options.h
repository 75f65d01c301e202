// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/methods/method.h"

namespace potluck {

// Options that several methods have, so that they are named, bounded and described alike.

/// `step_size`, auto by default. @param meaning what is added to the summary before "auto: ...".
SettingDescription step_size_option(const std::string& meaning, const std::string& how_tuned);

/// `metric`: auto, identity or dense.
SettingDescription metric_option();
/// The same without dense, for ladders of temperatures.
SettingDescription diagonal_metric_option();

/// `max_leapfrogs`, of trajectories that are jittered. @param of_tuned what is added to the summary.
SettingDescription max_leapfrogs_option(int64_t preset, const std::string& of_tuned);

/// An option that is a number or `auto`, which is read as NaN.
bool is_auto(const SettingValue& value);
double number_of(const SettingValue& value, double where_auto);

/// The method's metric is tuned: where it is dense, or `metric` and `step_size` are both auto.
/// @throws SettingError where it is dense and the step size a number.
bool metric_tuned(const SettingValue& metric, const SettingValue& step_size);
bool metric_dense(const SettingValue& metric);

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
