// SPDX-License-Identifier: Apache-2.0
#include "core/sampling/run/schedule.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

#include "core/finite_in.h"

namespace potluck {

namespace {

constexpr double kRho = 7;  // Karras et al. 2022, table 1

/// The real root of a number of any sign.
double root(double number) { return std::copysign(std::pow(std::fabs(number), 1 / kRho), number); }

/// What is wrong with a variable of which a number is to move; empty: nothing.
std::string unfit(const Variable& variable, const Held& held) {
  if (variable.categorical())
    return fmt::format(" must be a real number, got a variable of {} categories. Leave it out", variable.categories);
  if (variable.size() != 1)
    return fmt::format(" must be a variable of one number, got shape [{}]. Let the models read a number of its own",
                       fmt::join(variable.shape, ", "));
  if (!held.all())
    return fmt::format(
        " must be given, got a variable that is drawn. Add {{of: {}, value: NUMBER}} to given, with the value that it "
        "moves to",
        variable.name);
  return "";
}

/// What is wrong with where a number begins that belongs at `to`; empty: nothing.
std::string bad_beginning(const Variable& variable, double from, double to, Spacing spacing, Precision precision) {
  if (!std::isfinite(from)) return fmt::format(" must be a finite number, got {:g}", from);
  if (!finite_in(precision, from))
    return fmt::format(" must be a number of float32, got {:g}. Use precision: float64", from);
  if (from < variable.least || from > variable.most)
    return fmt::format(" must be in the support of '{}', [{:g}, {:g}], got {:g}", variable.name, variable.least,
                       variable.most, from);
  if (from == to)
    return fmt::format(" must differ from the given value ({:g}), got {:g}. Leave '{}' out of sample.anneal", to, from,
                       variable.name);
  if (from != 0 && to != 0 && std::signbit(from) != std::signbit(to) && spacing != Spacing::kLinear)
    return fmt::format(" must have the sign of the given value ({:g}) with spacing: {}, got {:g}. Use spacing: linear",
                       to, name_of(spacing), from);
  if ((from == 0 || to == 0) && spacing == Spacing::kGeometric)
    return fmt::format(
        " and the given value must be other than 0 with spacing: geometric, got {:g} and {:g}. Use spacing: karras or "
        "linear",
        from, to);
  if (spacing == Spacing::kLinear && !std::isfinite(to - from))
    return fmt::format(" must be less than {:g} away from the given value ({:g}) with spacing: linear, got {:g}",
                       std::numeric_limits<double>::max(), to, from);
  if (spacing == Spacing::kGeometric && !(std::isnormal(from / to) && std::isnormal(to / from)))
    return fmt::format(
        " must be a factor of less than {:g} away from the given value ({:g}) with spacing: geometric, got {:g}",
        std::numeric_limits<double>::max(), to, from);
  return "";
}

/// How the file has what makes a given number a level of noise.
const char* noise_key(const Schedule& schedule) {
  if (schedule.predictor) return "sample.anneal.predictor";
  return schedule.step_by_level ? "sample.anneal.step_size" : "sample.anneal.noisy_given";
}

/// What is wrong with a number that is taken for a level of noise.
void check_noise(const Schedule& schedule, const std::vector<Variable>& variables, const std::vector<Held>& held,
                 std::vector<SettingError>& errors) {
  const std::string key = noise_key(schedule);
  if (schedule.given.size() != 1) {
    errors.emplace_back(key, fmt::format(" must be left out unless exactly one given number moves, the level of noise, "
                                         "got {} of them",
                                         schedule.given.size()));
    return;
  }
  const auto v = static_cast<size_t>(schedule.given[0].variable);
  const double from = schedule.given[0].from, to = held[v].value[0];
  if (!(from > to && to >= 0))
    errors.emplace_back("sample.anneal." + variables[v].name + ".from",
                        fmt::format(" must be above the given value, which must be >= 0, where it is a level of noise "
                                    "({}), got {:g} and {:g}",
                                    key, from, to));
  const bool any = std::any_of(schedule.blurred.begin(), schedule.blurred.end(),
                               [](const std::vector<uint8_t>& one) { return !one.empty(); });
  if (!any && (schedule.predictor || schedule.noisy_given))
    errors.emplace_back(key,
                        fmt::format(" must be left out where no expert that reads '{}' has the law of a number, got "
                                    "none. Give that input of an expert the variable '{}'",
                                    variables[v].name, variables[v].name));
  for (size_t b = 0; b < schedule.blurred.size(); ++b)
    if (!schedule.blurred[b].empty() && variables[b].walls == Walls::kTransform && variables[b].has_face() &&
        (schedule.predictor || schedule.noisy_given))
      errors.emplace_back(key, fmt::format(" must be left out where noise blurs a variable with walls: transform, got "
                                           "'{}'. Use walls: reflect, or no bounds",
                                           variables[b].name));
}

}  // namespace

bool Schedule::moves(int variable) const {
  return any() && std::any_of(given.begin(), given.end(),
                              [variable](const GivenNumber& number) { return number.variable == variable; });
}

int64_t Schedule::steps_in_all() const {
  int64_t all = 0;
  return __builtin_mul_overflow(levels, steps, &all) ? INT64_MAX : all;
}

double Schedule::value(int64_t level, double from, double to) const {
  if (level >= levels) return to;
  const double done = static_cast<double>(level) / static_cast<double>(levels);
  switch (spacing) {
    case Spacing::kGeometric:
      return to * std::pow(from / to, 1 - done);
    case Spacing::kKarras: {
      const double between = root(from) + done * (root(to) - root(from));
      return level == 0 ? from : std::copysign(std::pow(std::fabs(between), kRho), between);
    }
    case Spacing::kLinear:
      return from + done * (to - from);
  }
  return to;
}

const char* name_of(Spacing spacing) {
  switch (spacing) {
    case Spacing::kGeometric:
      return "geometric";
    case Spacing::kKarras:
      return "karras";
    case Spacing::kLinear:
      return "linear";
  }
  return "";
}

std::vector<SettingError> schedule_errors(const Schedule& schedule, const std::vector<Variable>& variables,
                                          const std::vector<Held>& held, Precision precision) {
  std::vector<SettingError> errors;
  for (const GivenNumber& number : schedule.given) {
    const auto v = static_cast<size_t>(number.variable);
    const Variable& variable = variables.at(v);
    const Held own = v < held.size() ? held[v] : Held{};
    const std::string what = "sample.anneal." + variable.name;
    if (const std::string wrong = unfit(variable, own); !wrong.empty()) {
      errors.emplace_back(what, wrong);
      continue;
    }
    const std::string wrong = bad_beginning(variable, number.from, own.value[0], schedule.spacing, precision);
    if (!wrong.empty()) errors.emplace_back(what + ".from", wrong);
  }
  if (errors.empty() && schedule.of_noise()) check_noise(schedule, variables, held, errors);
  return errors;
}

}  // namespace potluck
