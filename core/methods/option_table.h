// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <functional>
#include <optional>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "core/error.h"
#include "core/settings.h"

namespace potluck {

/// An option of a method as the user names it, and the field of the method's `Options` that its value goes to. Made by
/// option() and choice_option(), which know the field's type.
template <class Options>
struct BoundOption {
  SettingDescription declared;
  std::function<const void*(const Options&)> field;                      ///< where it stands
  std::function<void(Options&, const SettingValue&)> put;                ///< a value that was parsed as declared
  std::function<void(const Options&, const SettingDescription&)> check;  ///< @throws SettingError out of bounds
  std::function<bool(const Options&, const Options&)> same;
};

namespace option_fields {

/// What each type of a field holds: its kind of setting, how a parsed value becomes one, and the number in it.
template <class Field>
struct FieldOf;

template <>
struct FieldOf<double> {
  static bool holds(const SettingDescription& one) { return one.kind == SettingKind::kReal && one.choices.empty(); }
  static double from(const SettingValue& value) { return value.real.at(0); }
  static std::optional<double> number(double field) { return field; }
};

/// A number or `auto`, which is none.
template <>
struct FieldOf<std::optional<double>> {
  static bool holds(const SettingDescription& one) {
    return one.kind == SettingKind::kReal && one.choices == std::vector<std::string>{"auto"};
  }
  static std::optional<double> from(const SettingValue& value) {
    const double number = value.real.at(0);
    return std::isnan(number) ? std::nullopt : std::optional(number);
  }
  static std::optional<double> number(std::optional<double> field) { return field; }
};

template <>
struct FieldOf<int64_t> {
  static bool holds(const SettingDescription& one) { return one.kind == SettingKind::kInteger; }
  static int64_t from(const SettingValue& value) { return value.integer.at(0); }
  static std::optional<double> number(int64_t field) { return static_cast<double>(field); }
};

template <>
struct FieldOf<bool> {
  static bool holds(const SettingDescription& one) { return one.kind == SettingKind::kBool; }
  static bool from(const SettingValue& value) { return value.integer.at(0) != 0; }
  static std::optional<double> number(bool) { return std::nullopt; }
};

/// The table is wrong, not what the user wrote.
[[noreturn]] inline void refuse(const std::string& option, const std::string& text) {
  throw std::logic_error("option '" + option + "' of a method " + text);
}

inline std::string path_of(const SettingDescription& declared) { return "sample." + declared.name; }

[[noreturn]] inline void refuse_choice(const SettingDescription& declared, int number) {
  std::string words;
  for (const std::string& word : declared.choices) words += (words.empty() ? "" : ", ") + word;
  throw SettingError(path_of(declared), " must be one of " + words + "; got another (" + std::to_string(number) + ")");
}

}  // namespace option_fields

/// @throws std::logic_error where a field of that type cannot hold what is declared: a double a number, an
///         std::optional<double> a number or auto, an int64_t an integer, a bool true or false
template <class Options, class Field>
BoundOption<Options> option(Field Options::*field, SettingDescription declared) {
  using Type = option_fields::FieldOf<Field>;
  if (declared.list || !Type::holds(declared))
    option_fields::refuse(declared.name, "must have a field that holds its kind");
  return {.declared = std::move(declared),
          .field = [field](const Options& options) { return static_cast<const void*>(&(options.*field)); },
          .put = [field](Options& options, const SettingValue& value) { options.*field = Type::from(value); },
          .check =
              [field](const Options& options, const SettingDescription& one) {
                if (const std::optional<double> number = Type::number(options.*field))
                  check_bounds(one, *number, option_fields::path_of(one));
              },
          .same = [field](const Options& a, const Options& b) { return a.*field == b.*field; }};
}

/// An option that is one of several words: each is declared with what it means. The words of `declared` are left out.
template <class Options, class Enum>
BoundOption<Options> choice_option(Enum Options::*field, SettingDescription declared,
                                   const std::vector<std::pair<std::string, std::type_identity_t<Enum>>>& words) {
  std::vector<Enum> meanings;
  declared.kind = SettingKind::kChoice;
  for (const auto& [word, meaning] : words) {
    declared.choices.push_back(word);
    meanings.push_back(meaning);
  }
  return {.declared = std::move(declared),
          .field = [field](const Options& options) { return static_cast<const void*>(&(options.*field)); },
          .put =
              [field, meanings](Options& options, const SettingValue& value) {
                options.*field = meanings.at(static_cast<size_t>(value.integer.at(0)));
              },
          .check =
              [field, meanings](const Options& options, const SettingDescription& one) {
                if (std::find(meanings.begin(), meanings.end(), options.*field) == meanings.end())
                  option_fields::refuse_choice(one, static_cast<int>(options.*field));
              },
          .same = [field](const Options& a, const Options& b) { return a.*field == b.*field; }};
}

/// The options of a method, each with its field: the one source of help, schema, validation and defaults, and the only
/// way from what the user wrote to `Options`.
template <class Options>
class OptionTable {
 public:
  /// @throws std::logic_error where two options have one name or one field, or a preset is not the field's own default
  explicit OptionTable(std::vector<BoundOption<Options>> options) : options_(std::move(options)) {
    const Options defaults;
    for (size_t i = 0; i < options_.size(); ++i) {
      const SettingDescription& declared = options_[i].declared;
      for (size_t j = 0; j < i; ++j) {
        if (options_[j].declared.name == declared.name) option_fields::refuse(declared.name, "must be declared once");
        if (options_[j].field(defaults) == options_[i].field(defaults))
          option_fields::refuse(declared.name,
                                "must have a field of its own, got that of " + options_[j].declared.name);
      }
      Options preset;
      options_[i].put(preset, preset_value(declared, declared.name));
      if (!options_[i].same(preset, defaults))
        option_fields::refuse(declared.name, "must have the default of its field as its preset");
    }
  }

  std::vector<SettingDescription> declared() const {
    std::vector<SettingDescription> all;
    for (const BoundOption<Options>& one : options_) all.push_back(one.declared);
    return all;
  }

  /// @param values as in MethodChoice: one per declared option, in that order
  Options read(const std::vector<SettingValue>& values) const {
    if (values.size() != options_.size()) throw std::logic_error("a method must get one value for each of its options");
    Options options;
    for (size_t i = 0; i < options_.size(); ++i) options_[i].put(options, values[i]);
    return options;
  }

  /// @throws SettingError "sample.step_size must be > 0, got -1"
  const Options& checked(const Options& options) const {
    for (const BoundOption<Options>& one : options_) one.check(options, one.declared);
    return options;
  }

 private:
  std::vector<BoundOption<Options>> options_;
};

}  // namespace potluck
