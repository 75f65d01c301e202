// SPDX-License-Identifier: Apache-2.0
#include "compose/text/times.h"

#include <fmt/format.h>

#include <cmath>
#include <string_view>
#include <utility>

#include "core/settings.h"

namespace potluck {

std::optional<double> read_time(const Yaml& value, const std::string& what, Diagnostics& diagnostics) {
  static const std::pair<const char*, double> units[] = {{"min", 60}, {"s", 1}, {"h", 3600}, {"d", 86400}};
  const auto wrong = [&] {
    diagnostics.add(value.place,
                    fmt::format("{} must be a time > 0 such as 90s, 10min, 2h or 1d, got {}", what, value.describe()));
    return std::nullopt;
  };
  if (!value.is_scalar()) return wrong();
  std::string text = value.text;
  double factor = 1;
  for (const auto& [unit, seconds] : units) {
    if (!text.ends_with(unit)) continue;
    text.resize(text.size() - std::string_view(unit).size());
    factor = seconds;
    break;
  }
  try {
    const double seconds = factor * parse_number(text, "");
    if (!(seconds > 0) || !std::isfinite(seconds)) return wrong();
    return seconds;
  } catch (const SettingError&) {
    return wrong();
  }
}

}  // namespace potluck
