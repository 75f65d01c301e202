// SPDX-License-Identifier: Apache-2.0
#include "core/sampling/run/option_errors.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <initializer_list>
#include <optional>
#include <string>
#include <utility>

#include "core/backend/tiles.h"
#include "core/methods/method.h"
#include "core/sampling/tuning/adaptation.h"

namespace potluck {

namespace {

/// Numbers of all chains, and of all draws of all chains: their bytes can be counted in 64 bits.
constexpr double kMostInChains = 0x1p53, kMostDrawn = 0x1p59;

/// Energies of all labels of the rows that move together, and figures of a summary: one for each label of each element.
constexpr double kMostEnergiesOfLabels = 0x1p31, kMostFiguresOfLabels = 0x1p26;

/// "1 number", "2 numbers"
std::string counted(double numbers) { return fmt::format("{:.0f} number{}", numbers, numbers == 1 ? "" : "s"); }

/// None where it is more than can be counted.
std::optional<int64_t> sum_of(std::initializer_list<int64_t> terms) {
  int64_t sum = 0;
  for (const int64_t term : terms)
    if (__builtin_add_overflow(sum, term, &sum)) return std::nullopt;
  return sum;
}

/// Steps that follow one another, and how the file says how many.
struct Phase {
  int64_t steps;
  std::string path, factor;
};

/// The longest phase is named first, for it is where the error stands.
std::optional<SettingError> too_many_steps(const RunOptions& options) {
  std::vector<Phase> phases = {{options.warmup, "sample.warmup", ""}, {options.steps, "sample.steps", ""}};
  const int64_t annealed = options.anneal.any() ? options.anneal.steps_in_all() : 0;
  if (annealed != 0 && options.anneal.cooling) phases.push_back({annealed, "sample.cooling.steps", ""});
  if (annealed != 0 && !options.anneal.cooling)
    phases.push_back({annealed, "sample.anneal.levels", " * sample.anneal.steps"});
  const std::optional<int64_t> all = sum_of({options.warmup, options.steps, annealed});
  if (all && *all <= int64_t{UINT32_MAX}) return std::nullopt;
  std::stable_sort(phases.begin(), phases.end(), [](const Phase& a, const Phase& b) { return a.steps > b.steps; });
  std::string others = phases[0].factor;
  for (size_t i = 1; i < phases.size(); ++i) others += " + " + phases[i].path + phases[i].factor;
  return SettingError(phases[0].path,
                      fmt::format("{} must be <= {}, got {}: the noise counts that far. Take fewer steps", others,
                                  UINT32_MAX, all ? std::to_string(*all) : "more than 2^63"));
}

void check_at_least(const char* what, int64_t value, int64_t least, std::vector<SettingError>& errors) {
  if (value < least)
    errors.emplace_back(std::string("sample.") + what, fmt::format(" must be >= {}, got {}", least, value));
}

/// Of the schedule alone, and of its temperature.
void check_schedule(const Schedule& anneal, double temperature, std::vector<SettingError>& errors) {
  check_at_least(anneal.cooling ? "cooling.steps" : "anneal.levels", anneal.levels, 0, errors);
  check_at_least("anneal.steps", anneal.steps, 1, errors);
  if (!anneal.any()) return;
  if (anneal.step_size && !(*anneal.step_size > 0 && *anneal.step_size <= 1))
    errors.emplace_back(
        "sample.anneal.step_size",
        fmt::format(" must be in (0, 1], in units of the square of the level of noise, got {:g}", *anneal.step_size));
  if (!anneal.temperature && anneal.given.empty())
    errors.emplace_back("sample.anneal",
                        " must have a number that moves (temperature, or a variable that is given), got none. Add such "
                        "as temperature: {from: 20}");
  if (anneal.temperature && !(*anneal.temperature > temperature && std::isfinite(*anneal.temperature)))
    errors.emplace_back(anneal.cooling ? "sample.cooling.from" : "sample.anneal.temperature.from",
                        fmt::format(" must be above sample.temperature ({:g}), got {:g}. Raise it, or leave {} out",
                                    temperature, *anneal.temperature, anneal.cooling ? "cooling" : "temperature"));
}

/// Steps in units of a level need a method that takes them.
void check_who_takes_levels(const Schedule& anneal, const Method& method, std::vector<SettingError>& errors) {
  if (!anneal.any() || !anneal.step_by_level || method.level_step_size() > 0) return;
  errors.emplace_back(anneal.predictor ? "sample.anneal.predictor" : "sample.anneal.step_size",
                      fmt::format(" must be left out with {}, whose step size is not in units of a level's square. Use "
                                  "mala or langevin",
                                  method.description().name));
}

/// A temperature that moves needs a method that takes it.
void check_who_anneals(const Schedule& anneal, const Method& method, std::vector<SettingError>& errors) {
  if (!anneal.any() || !anneal.temperature) return;
  if (method.replicas() == 1 && !method.description().own_temperature) return;
  errors.emplace_back(anneal.cooling ? "sample.cooling" : "sample.anneal.temperature",
                      fmt::format(" must be left out with {}, got {} {}: {}", method.description().name, anneal.levels,
                                  anneal.cooling ? "steps" : "levels",
                                  method.replicas() > 1 ? "its hot replicas do the same in every step"
                                                        : "its own options set its temperature"));
}

/// The first option that a warm-up tunes.
const char* tuned_option(const Tuning& tuning) {
  if (tuning.ladder && !tuning.acceptance) return "ladder";
  return tuning.acceptance || tuning.energy_error ? "step_size" : "trajectory_length";
}

/// Of a categorical variable that moves.
std::optional<SettingError> too_many_labels(const RunOptions& options, const Variable& variable) {
  const int64_t rows = std::min(options.chains, kMostTileRows);
  const double most = std::floor(std::min(kMostEnergiesOfLabels / static_cast<double>(rows),
                                          kMostFiguresOfLabels / static_cast<double>(variable.size())));
  if (static_cast<double>(variable.categories) <= most) return std::nullopt;
  return SettingError(
      "variables." + variable.name + ".categories",
      fmt::format(" must be <= {:.0f} where gibbs draws the labels of {} in {} chains at a time, got {}. Use "
                  "fewer categories, or give '{}'",
                  most, counted(static_cast<double>(variable.size())), rows, variable.categories, variable.name));
}

std::vector<SettingError> too_many_labels(const RunOptions& options, const std::vector<Variable>& variables) {
  std::vector<SettingError> errors;
  for (const Variable& variable : variables)
    for (const BlockOptions& block : options.blocks) {
      const bool names =
          std::find(block.variables.begin(), block.variables.end(), variable.name) != block.variables.end();
      if (!names || !variable.categorical()) continue;
      if (std::optional<SettingError> error = too_many_labels(options, variable)) errors.push_back(std::move(*error));
    }
  return errors;
}

}  // namespace

std::vector<SettingError> size_errors(const RunOptions& options, const std::vector<Variable>& variables) {
  double numbers = 0;
  for (const Variable& variable : variables) numbers += static_cast<double>(variable.size());
  const double replicas = static_cast<double>(make_method(options)->replicas());
  const int64_t whole_draws = options.steps / options.thin;
  const double chains = static_cast<double>(options.chains), draws = static_cast<double>(whole_draws);
  if (numbers * replicas * chains > kMostInChains) {
    return {SettingError("sample.chains", fmt::format(" must be <= {:.0f} where a chain has {}, got {}",
                                                      std::floor(kMostInChains / (numbers * replicas)),
                                                      counted(numbers * replicas), options.chains))};
  }
  if (numbers * chains * draws > kMostDrawn) {
    return {SettingError(
        "sample.steps",
        fmt::format(" must make at most {:.0f} draws of {} chains of {}, got {:.0f}. Raise "
                    "sample.thin, or take fewer steps",
                    std::floor(kMostDrawn / (numbers * chains)), options.chains, counted(numbers), draws))};
  }
  return too_many_labels(options, variables);
}

std::vector<SettingError> option_errors(const RunOptions& options, double temperature) {
  std::vector<SettingError> errors;
  check_at_least("chains", options.chains, 1, errors);
  check_at_least("warmup", options.warmup, 0, errors);
  check_at_least("steps", options.steps, 1, errors);
  check_at_least("thin", options.thin, 1, errors);
  check_at_least("threads", options.threads, 0, errors);
  if (!(temperature > 0) || !std::isfinite(temperature)) {
    errors.emplace_back("sample.temperature", fmt::format(" must be > 0, got {:g}", temperature));
  }
  if (const std::optional<SettingError> error = too_many_steps(options)) errors.push_back(*error);
  check_schedule(options.anneal, temperature, errors);
  if (options.thin >= 1 && options.steps >= 1 && options.steps % options.thin != 0) {
    const std::optional<int64_t> more = sum_of({options.steps, options.thin - options.steps % options.thin});
    errors.emplace_back("sample.steps",
                        fmt::format(" must be a multiple of sample.thin ({}), got {}. Use {}", options.thin,
                                    options.steps, more.value_or(options.steps - options.steps % options.thin)));
  }
  if (options.rank.first < 0 || options.rank.count < 0 || options.rank.first > options.chains ||
      options.rank.count > options.chains - options.rank.first ||
      (options.rank.count == 0 && options.rank.first > 0)) {  // all chains begin with the first
    errors.emplace_back(fmt::format("a rank must have chains of 0 ... {}, got {} from {}", options.chains - 1,
                                    options.rank.count, options.rank.first));
  }
  try {
    const std::unique_ptr<Method> method = make_method(options);
    const Tuning tuning = method->tuning();
    check_who_anneals(options.anneal, *method, errors);
    check_who_takes_levels(options.anneal, *method, errors);
    if (tuning.any() && options.warmup < 20) {
      const char* what = tuned_option(tuning);
      errors.emplace_back(
          "sample.warmup",
          fmt::format(" must be >= 20 where {} is auto, got {}. Raise it, or give a {}", what, options.warmup, what));
    }
    if (tuning.dense && options.warmup >= 20 && options.warmup < kLeastStepsForMetric) {
      errors.emplace_back("sample.warmup", fmt::format(" must be >= {} where metric is dense, got {}. Raise it",
                                                       kLeastStepsForMetric, options.warmup));
    }
    if (const int64_t most = int64_t{UINT32_MAX} / method->replicas(); options.chains > most) {
      errors.emplace_back("sample.chains",
                          fmt::format(" must be <= {}{}, got {}", most,
                                      method->replicas() > 1 ? fmt::format(" of {} replicas", method->replicas()) : "",
                                      options.chains));
    }
  } catch (const SettingError& error) {
    errors.push_back(error);
  }
  return errors;
}

}  // namespace potluck
