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
  return errors;
}

}  // namespace potluck
