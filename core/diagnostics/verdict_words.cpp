// SPDX-License-Identifier: Apache-2.0
#include "core/diagnostics/verdict_words.h"

#include <fmt/format.h>

#include <cmath>
#include <cstdlib>

namespace potluck {

namespace {

constexpr int kMostDigits = 17;

}  // namespace

std::string in_brackets(const FigureAt& figure) {
  return figure.where.empty() ? "" : fmt::format(" ({})", figure.where);
}

std::string counted(int64_t count, const std::string& what) {
  return fmt::format("{} {}{}", count, what, count == 1 ? "" : "s");
}

std::string percent(double share) { return fmt::format("{:.2g} %", 100 * share); }

std::string beside(double value, double bound, int digits) {
  std::string text = fmt::format("{:.{}f}", value, digits);
  if (!std::isfinite(value)) return text;
  while (digits < kMostDigits && value != bound && (std::atof(text.c_str()) > bound) != (value > bound))
    text = fmt::format("{:.{}f}", value, ++digits);
  while (digits < kMostDigits && value != bound && std::atof(text.c_str()) == bound)
    text = fmt::format("{:.{}f}", value, ++digits);
  return text;
}

std::string steps_text(double steps) {
  return steps < 1e9 ? fmt::format("{:.0f}", steps) : fmt::format("{:.2g}", steps);
}

}  // namespace potluck
