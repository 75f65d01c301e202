// SPDX-License-Identifier: Apache-2.0
#include "core/settings.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <numeric>
#include <string_view>

#include "core/error.h"

namespace potluck {

namespace {

std::string_view trimmed(std::string_view text) {
  const char* const blanks = " \t\r\n";
  const size_t first = text.find_first_not_of(blanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

/// What a double cannot hold, neither as a number nor as inf: 1e400, 1e-400.
class OutOfRange {};

/// One decimal number without a fraction bar; nothing where `word` is not entirely one. NaN is not a number.
/// @throws OutOfRange
std::optional<double> read_decimal(std::string_view word) {
  if (word.starts_with('+') && !word.starts_with("+-")) word.remove_prefix(1);
  if (word == ".inf") return std::numeric_limits<double>::infinity();
  if (word == "-.inf") return -std::numeric_limits<double>::infinity();
  double value = 0;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
  if (end != word.data() + word.size() || std::isnan(value)) return std::nullopt;
  if (error == std::errc::result_out_of_range) throw OutOfRange();
  if (error != std::errc()) return std::nullopt;
  return value;
}

std::string join(const std::vector<std::string>& words) { return fmt::format("{}", fmt::join(words, ", ")); }

/// ">= 0", "<= 1", "between 0 and 1", or "" where both ends are open.
std::string bounds_in_words(const SettingDescription& setting) {
  const bool from = setting.least != -std::numeric_limits<double>::infinity();
  const bool positive = setting.least == kPositive;
  const bool to = setting.most != std::numeric_limits<double>::infinity();
  if (positive && to) return fmt::format("> 0 and <= {}", setting.most);
  if (positive) return "> 0";
  if (from && to) return fmt::format("between {} and {}", setting.least, setting.most);
  if (from) return fmt::format(">= {}", setting.least);
  if (to) return fmt::format("<= {}", setting.most);
  return "";
}

void check_number(const SettingDescription& setting, double value, const std::string& word, const std::string& what) {
  if (value >= setting.least && value <= setting.most) return;
  throw SettingError(what, fmt::format(" must be {}, got {}", bounds_in_words(setting), word));
}

int64_t parse_integer(const std::string& word, const std::string& what) {
  const std::string_view digits = std::string_view(word).substr(word.starts_with('+') ? 1 : 0);
  int64_t value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (error == std::errc() && end == digits.data() + digits.size()) return value;
  // Whole numbers in another notation, such as 1e3, as far as a double holds every one of them.
  std::optional<double> real;
  try {
    real = read_decimal(word);
  } catch (const OutOfRange&) {
  }
  if (real && std::abs(*real) <= 9007199254740992.0 && *real == std::floor(*real)) return static_cast<int64_t>(*real);
  if (error == std::errc::result_out_of_range && end == digits.data() + digits.size())
    throw SettingError(what, fmt::format(" must be {} {}, got {}", word.starts_with('-') ? ">=" : "<=",
                                         word.starts_with('-') ? INT64_MIN : INT64_MAX, word));
  throw SettingError(what, fmt::format(" must be an integer, got '{}'", word));
}

int64_t parse_choice(const std::vector<std::string>& choices, const std::string& word, const std::string& what) {
  const auto found = std::find(choices.begin(), choices.end(), word);
  if (found != choices.end()) return found - choices.begin();
  const std::optional<std::string> near = nearest_name(word, choices);
  throw SettingError(what,
                     fmt::format(" must be one of {}; got '{}'{}", join(choices), word,
                                 near ? fmt::format(". Did you mean '{}'?", *near) : ""),
                     near.value_or(""));
}

void parse_one(const SettingDescription& setting, const std::string& word, const std::string& what,
               SettingValue& value) {
  switch (setting.kind) {
    case SettingKind::kBool:
      if (word != "true" && word != "false") {
        throw SettingError(what, fmt::format(" must be true or false, got '{}'", word));
      }
      value.integer.push_back(word == "true");
      return;
    case SettingKind::kInteger:
      value.integer.push_back(parse_integer(word, what));
      check_number(setting, static_cast<double>(value.integer.back()), word, what);
      return;
    case SettingKind::kReal:
      if (std::find(setting.choices.begin(), setting.choices.end(), word) != setting.choices.end()) {
        value.real.push_back(std::numeric_limits<double>::quiet_NaN());
        return;
      }
      value.real.push_back(parse_number(word, what));
      check_number(setting, value.real.back(), word, what);
      return;
    case SettingKind::kChoice:
      value.integer.push_back(parse_choice(setting.choices, word, what));
      return;
    case SettingKind::kText:
    case SettingKind::kFile:
      value.text.push_back(word);
      return;
  }
}

std::string kind_in_words(SettingKind kind) {
  switch (kind) {
    case SettingKind::kBool:
      return "true or false";
    case SettingKind::kInteger:
      return "integer";
    case SettingKind::kReal:
      return "real";
    case SettingKind::kText:
      return "text";
    case SettingKind::kChoice:
      return "choice";
    case SettingKind::kFile:
      return "file";
  }
  return "";
}

std::vector<std::string> split_at_commas(const std::string& text) {
  std::vector<std::string> words;
  if (trimmed(text).empty()) return words;
  for (size_t begin = 0; begin <= text.size();) {
    const size_t end = std::min(text.find(',', begin), text.size());
    words.emplace_back(trimmed(std::string_view(text).substr(begin, end - begin)));
    begin = end + 1;
  }
  return words;
}

std::string lower_case(std::string text) {
  for (char& letter : text) {
    if (letter >= 'A' && letter <= 'Z') letter = static_cast<char>(letter - 'A' + 'a');
  }
  return text;
}

/// Insertions, deletions, replacements and swaps of neighbours that lead from `a` to `b`.
size_t edit_distance(const std::string& a, const std::string& b) {
  const size_t width = b.size() + 1;
  std::vector<size_t> before(width), above(width), row(width);
  std::iota(above.begin(), above.end(), size_t{0});
  for (size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (size_t j = 1; j < width; ++j) {
      row[j] = std::min({above[j] + 1, row[j - 1] + 1, above[j - 1] + (a[i - 1] != b[j - 1])});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) row[j] = std::min(row[j], before[j - 2] + 1);
    }
    before.swap(above);
    above.swap(row);
  }
  return above[b.size()];
}

}  // namespace

int64_t SettingValue::count() const { return static_cast<int64_t>(integer.size() + real.size() + text.size()); }

SettingValue parse_setting(const SettingDescription& setting, const std::vector<std::string>& words,
                           const std::string& what) {
  if (!setting.list && words.size() != 1) {
    throw SettingError(what, fmt::format(" must be one value, got {}", words.size()));
  }
  SettingValue value;
  for (size_t i = 0; i < words.size(); ++i) {
    parse_one(setting, words[i], setting.list ? fmt::format("{}[{}]", what, i) : what, value);
  }
  return value;
}

SettingValue preset_value(const SettingDescription& setting, const std::string& what) {
  if (!setting.preset) throw SettingError(what, fmt::format(" must be given: {}", setting.summary));
  if (setting.list) return parse_setting(setting, split_at_commas(*setting.preset), what);
  return parse_setting(setting, {*setting.preset}, what);
}

void check_bounds(const SettingDescription& setting, double value, const std::string& what) {
  check_number(setting, value, fmt::format("{:g}", value), what);
}

std::string describe_range(const SettingDescription& setting) {
  std::string text = setting.kind == SettingKind::kChoice ? "one of " + join(setting.choices) + ";"
                                                          : kind_in_words(setting.kind) + ",";
  if (setting.kind == SettingKind::kReal && !setting.choices.empty()) {
    text = kind_in_words(setting.kind) + " or " + join(setting.choices) + ',';
  }
  if (setting.list) text.insert(0, "list, each ");
  if (setting.kind == SettingKind::kInteger || setting.kind == SettingKind::kReal) {
    const std::string bounds = bounds_in_words(setting);
    if (!bounds.empty()) text += ' ' + bounds + ',';
  }
  if (!setting.preset) return text + " must be given";
  return text + " default " + (setting.preset->empty() ? "empty" : *setting.preset);
}

double parse_number(const std::string& word, const std::string& what) {
  const size_t bar = word.find('/');
  try {
    std::optional<double> value = read_decimal(std::string_view(word).substr(0, bar));
    if (bar != std::string::npos) {
      const std::optional<double> divisor = read_decimal(std::string_view(word).substr(bar + 1));
      const bool sound = value && divisor && std::isfinite(*value) && std::isfinite(*divisor) && *divisor != 0;
      value = sound ? std::optional(*value / *divisor) : std::nullopt;
      if (value && !std::isfinite(*value)) throw OutOfRange();
    }
    if (value) return *value;
  } catch (const OutOfRange&) {
    throw SettingError(what, fmt::format(" must be a number that float64 holds, got '{}'", word));
  }
  throw SettingError(what, fmt::format(" must be a number, got '{}'", word));
}

std::optional<std::string> nearest_name(const std::string& wrong, const std::vector<std::string>& known) {
  const std::string lower = lower_case(wrong);
  std::optional<std::string> nearest;
  // What stops short of one name only is that one cut off: --out is --output and not --set.
  const auto is_begun = [&](const std::string& name) { return lower_case(name).starts_with(lower); };
  if (wrong.size() >= 3 && std::count_if(known.begin(), known.end(), is_begun) == 1)
    return *std::find_if(known.begin(), known.end(), is_begun);
  size_t least = 2 + wrong.size() / 4;  // a slip is at most one edit, and one more for every four letters
  for (const std::string& name : known) {
    const size_t distance = edit_distance(lower, lower_case(name));
    if (distance < least && 2 * distance <= std::max(wrong.size(), name.size())) {
      least = distance;
      nearest = name;
    }
  }
  return nearest;
}

}  // namespace potluck
