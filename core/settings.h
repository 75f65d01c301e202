// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

namespace potluck {

enum class SettingKind { kBool, kInteger, kReal, kText, kChoice, kFile };

/// As `least`: greater than zero.
inline constexpr double kPositive = std::numeric_limits<double>::denorm_min();

/// One setting of a model or option of a method: the one source of help, JSON Schema and validation.
struct SettingDescription {
  std::string name = {};
  SettingKind kind = SettingKind::kReal;
  bool list = false;                                 ///< several values of that kind
  std::optional<std::string> preset = std::nullopt;  ///< default as text; none: the user must give it
  std::string unit = "1";
  double least = -std::numeric_limits<double>::infinity();  ///< inclusive, for each element of a list
  double most = std::numeric_limits<double>::infinity();
  /// The words of a choice. A real may have them too, such as step_size: auto; they are read as NaN.
  std::vector<std::string> choices = {};
  std::string summary = {};
};

/// A validated value. bool, integer and choice (its index) fill `integer`; real fills `real`; text and file fill
/// `text`.
struct SettingValue {
  std::vector<int64_t> integer;
  std::vector<double> real;
  std::vector<std::string> text;
  int64_t count() const;
};

/// Reads what the user wrote, one word per value. Numbers may be written 1e-3, 1/255, inf; booleans true, false.
/// `what` begins the message, such as "energies.smooth.settings.strength".
/// @throws SettingError "<what> must be >= 0, got -1", "<what> must be one of full, diagonal; got 'ful'. Did you mean
/// 'full'?"
SettingValue parse_setting(const SettingDescription& setting, const std::vector<std::string>& words,
                           const std::string& what);

/// The value of `setting.preset`. A list's preset is separated by commas.
/// @throws SettingError where there is none: "<what> must be given: <summary>".
SettingValue preset_value(const SettingDescription& setting, const std::string& what);

/// Bounds of a number that came another way than as words.
/// @throws SettingError "<what> must be >= 0, got -1"
void check_bounds(const SettingDescription& setting, double value, const std::string& what);

/// The bounds and kind in words, for help: "real, >= 0, default 0.5".
std::string describe_range(const SettingDescription& setting);

/// A number as the user may write it: "0.5", "1e-3", "-inf", "1/255".
/// @throws SettingError "<what> must be a number, got 'abc'"
double parse_number(const std::string& word, const std::string& what);

/// The known name nearest to `wrong` by edit distance, if it is near enough to be a slip.
std::optional<std::string> nearest_name(const std::string& wrong, const std::vector<std::string>& known);

}  // namespace potluck
