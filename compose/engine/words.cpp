// SPDX-License-Identifier: Apache-2.0
#include "compose/engine/errors.h"
#include "core/settings.h"

namespace potluck::engine {
namespace {

SettingDescription bounded(SettingKind kind, const std::string& what, double least, double most) {
  SettingDescription number;
  number.name = what;
  number.kind = kind;
  number.least = least;
  number.most = most;
  return number;
}

}  // namespace

double parse_number(const std::string& word, const std::string& what, double least, double most) {
  return translated(
      [&] { return parse_setting(bounded(SettingKind::kReal, what, least, most), {word}, what).real.at(0); });
}

int64_t parse_integer(const std::string& word, const std::string& what, int64_t least, int64_t most) {
  // Bounds at the ends of the type are none.
  const double lower = least == std::numeric_limits<int64_t>::min() ? -std::numeric_limits<double>::infinity()
                                                                    : static_cast<double>(least);
  const double upper =
      most == std::numeric_limits<int64_t>::max() ? std::numeric_limits<double>::infinity() : static_cast<double>(most);
  return translated(
      [&] { return parse_setting(bounded(SettingKind::kInteger, what, lower, upper), {word}, what).integer.at(0); });
}

std::string nearest_name(const std::string& wrong, const std::vector<std::string>& known) {
  return translated([&] { return potluck::nearest_name(wrong, known).value_or(""); });
}

}  // namespace potluck::engine
