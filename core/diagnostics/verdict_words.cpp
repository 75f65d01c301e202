// SPDX-License-Identifier: Apache-2.0
#include "core/diagnostics/verdict_words.h"

#include <fmt/format.h>

#include <cmath>
#include <cstdlib>

#include "core/diagnostics/verdict_thresholds.h"

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

std::string rhat_text(const FigureAt& rhat, int digits) {
  if (rhat.value > kMostRhatTold) return fmt::format("R-hat above {:g}{}", kMostRhatTold, in_brackets(rhat));
  return fmt::format("R-hat {:.{}f}{}", rhat.value, digits, in_brackets(rhat));
}

std::string rhat_above(const FigureAt& rhat, double bound) {
  if (rhat.value > kMostRhatTold) return fmt::format("R-hat is above {:g}{}", kMostRhatTold, in_brackets(rhat));
  return fmt::format("R-hat {}{} is above {:g}", beside(rhat.value, bound, 3), in_brackets(rhat), bound);
}

std::string percent(double share) {
  if (share < 0.995 || share >= 1) return fmt::format("{:.{}g} %", 100 * share, share < 0.995 ? 2 : 3);
  return fmt::format("{:.4g} %", std::floor(1e4 * share) / 100);
}

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
