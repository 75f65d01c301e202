// SPDX-License-Identifier: Apache-2.0
#include "core/methods/method_options.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <string>

#include "core/error.h"

namespace potluck {

SettingDescription step_size_option(const std::string& meaning, const std::string& how_tuned) {
  return {.name = "step_size",
          .kind = SettingKind::kReal,
          .preset = "auto",
          .least = kPositive,
          .choices = {"auto"},
          .summary = meaning + "; auto: " + how_tuned};
}

SettingDescription metric_description(bool dense) {
  SettingDescription option = {
      .name = "metric",
      .kind = SettingKind::kChoice,
      .preset = "auto",
      .summary =
          "auto: a scale for every coordinate, found from draws and gradients of the warm-up where step_size is "
          "auto; identity: no scale"};
  if (dense)
    option.summary +=
        "; dense: a full matrix for all coordinates together, found from the draws of the warm-up, for long axes that "
        "lie across the coordinates";
  return option;
}

SettingDescription trajectory_length_option(const std::string& summary) {
  return {.name = "trajectory_length",
          .kind = SettingKind::kReal,
          .preset = "auto",
          .least = kPositive,
          .choices = {"auto"},
          .summary = summary};
}

SettingDescription max_leapfrogs_option(int64_t preset, const std::string& of_tuned) {
  return {.name = "max_leapfrogs",
          .kind = SettingKind::kInteger,
          .preset = std::to_string(preset),
          .least = 1,
          .most = kMostLeapfrogs,
          .summary = "most leapfrogs of a trajectory; longer trajectories are cut there" + of_tuned};
}

void check_metric(Metric metric, std::optional<double> step_size) {
  if (metric == Metric::kDense && step_size)
    throw SettingError(
        "sample.metric",
        fmt::format(" must be auto or identity where step_size is a number ({:g}), got dense: the step size would be "
                    "that of coordinates which the warm-up has yet to find. Leave step_size auto",
                    *step_size));
}

bool metric_tuned(Metric metric, std::optional<double> step_size) { return metric != Metric::kIdentity && !step_size; }

double trajectory_jitter(uint32_t step) {
  // Van der Corput: the bits of step + 1 mirrored about the point.
  uint32_t mirrored = 0;
  const uint32_t number = step + 1;
  for (int bit = 0; bit < 32; ++bit) mirrored |= ((number >> bit) & 1u) << (31 - bit);
  return 2 * (static_cast<double>(mirrored) * 0x1p-32);
}

int64_t jittered_steps(double trajectory_length, double step_size, int64_t most, uint32_t step) {
  const double wanted = std::ceil(trajectory_jitter(step) * trajectory_length / step_size);
  if (!(wanted > 1)) return 1;  // a NaN too
  return static_cast<int64_t>(std::min(wanted, static_cast<double>(most)));
}

int64_t jittered_steps(double trajectory_length, double step_size, int64_t most, StepRange steps) {
  int64_t count = 0;
  for (int64_t i = 0; i < steps.count; ++i) {
    count += jittered_steps(trajectory_length, step_size, most, steps.first + static_cast<uint32_t>(i));
  }
  return count;
}

double longest_trajectory(double step_size, int64_t max_leapfrogs) {
  return static_cast<double>(max_leapfrogs) / 2 * step_size;
}

std::vector<std::string> cut_trajectory_notes(double trajectory_length, double step_size, int64_t max_leapfrogs) {
  constexpr double kRounding = 1e-6;
  const double reach = trajectory_length / longest_trajectory(step_size, max_leapfrogs);
  if (!(reach > 1 - kRounding)) return {};
  const char* const what_to_do = max_leapfrogs < kMostLeapfrogs
                                     ? "Where chains mix slowly, raise it"
                                     : "Where chains mix slowly, look for what keeps the step size so small";
  if (reach < 1 + kRounding) {
    return {fmt::format("max_leapfrogs ({}) held trajectories back: they have {:g} leapfrogs at the mean. {}",
                        max_leapfrogs, static_cast<double>(max_leapfrogs) / 2, what_to_do)};
  }
  return {
      fmt::format("trajectories of length {:g} would have {:.0f} leapfrogs at the mean: those of more than {} were "
                  "cut there (max_leapfrogs). {}, or give a shorter trajectory_length",
                  trajectory_length, trajectory_length / step_size, max_leapfrogs, what_to_do)};
}

Target target_of(const Target& target, const std::vector<int>& variables) {
  Target block = target;
  const std::vector<Variable>& all = target.energy->variables();
  block.held.resize(all.size());
  for (size_t v = 0; v < all.size(); ++v) {
    if (std::find(variables.begin(), variables.end(), static_cast<int>(v)) != variables.end()) continue;
    block.held[v].mask.assign(static_cast<size_t>(all[v].size()), 1);
    block.held[v].value.resize(block.held[v].mask.size());
  }
  return block;
}

int64_t free_coordinates(const Target& target) {
  int64_t count = 0;
  const std::vector<Variable>& variables = target.energy->variables();
  for (size_t v = 0; v < variables.size(); ++v) {
    if (variables[v].categorical()) continue;
    count += variables[v].size();
    if (v < target.held.size()) count -= std::count(target.held[v].mask.begin(), target.held[v].mask.end(), uint8_t{1});
  }
  return count;
}

void check_at_least_two(const Target& target, const std::string& method_name) {
  const int64_t count = free_coordinates(target);
  if (count >= 2) return;
  throw SettingError(
      "sample.method",
      fmt::format(" {} must have at least 2 coordinates that move, got {}: a direction in one dimension cannot turn. "
                  "Use hmc",
                  method_name, count));
}

}  // namespace potluck
