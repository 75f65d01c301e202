// SPDX-License-Identifier: Apache-2.0
#include "compose/text/keys.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "core/settings.h"

namespace potluck {

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

std::string expected_number(const Key& key) {
  if (key.least == -kInfinity) return "finite";
  const std::string least = fmt::format("finite and {} {:.16g}", key.above ? ">" : ">=", key.least);
  return key.most == kInfinity ? least : fmt::format("{} and <= {:.16g}", least, key.most);
}

bool inside(double value, const Key& key) {
  return std::isfinite(value) && (key.above ? value > key.least : value >= key.least) && value <= key.most;
}

/// The path of a key of a map that is called `what`, which is its path, but of a file's.
std::string below(Section section, const std::string& what, const std::string& key) {
  return section == Section::kFile || section == Section::kIncluded ? key : what + "." + key;
}

/// A list as it is, anything else as a list of one.
std::vector<const Yaml*> items(const Yaml& value) {
  std::vector<const Yaml*> all;
  if (value.is_list())
    for (const Yaml& item : value.list) all.push_back(&item);
  else
    all.push_back(&value);
  return all;
}

}  // namespace

const Key& KeyTable::key(const std::string& name) const {
  for (const Key& one : keys)
    if (one.name == name) return one;
  throw std::logic_error("no key '" + name + "' in the table of " + what);
}

std::vector<std::string> KeyTable::names() const {
  std::vector<std::string> all;
  for (const Key& one : keys) all.push_back(one.name);
  return all;
}

bool check_keys(const Yaml& value, Section section, const std::string& what, Diagnostics& diagnostics,
                const std::vector<std::string>& also) {
  const KeyTable& table = key_table(section);
  std::vector<std::string> known = table.names();
  known.insert(known.end(), also.begin(), also.end());
  if (!value.is_map()) {
    diagnostics.add(value.place,
                    fmt::format("{} must be a map, got {}. Its keys: {}", what, value.describe(), joined(known)));
    return false;
  }
  for (const Yaml::Entry& entry : value.map)
    if (std::find(known.begin(), known.end(), entry.key) == known.end())
      diagnostics.add(entry.place,
                      fmt::format("unknown key '{}' in {}. {}", entry.key, table.what, suggestion(entry.key, known)),
                      nearest(entry.key, known), below(section, what, entry.key));
  for (const Key& key : table.keys)
    if (key.required && !value.find(key.name))
      diagnostics.add(value.place, fmt::format("{} must have '{}' ({}), got none. Add it", what, key.name, key.summary),
                      "", below(section, what, key.name));
  return true;
}

std::optional<double> read_number(const Yaml& value, const Key& key, const std::string& what,
                                  Diagnostics& diagnostics) {
  if (!value.is_scalar()) {
    diagnostics.add(value.place, fmt::format("{} must be a number, got {}", what, value.describe()));
    return {};
  }
  try {
    const double number = parse_number(value.text, what);
    if (inside(number, key)) return number;
    diagnostics.add(value.place, fmt::format("{} must be {}, got {}", what, expected_number(key), value.text));
  } catch (const SettingError& error) {
    diagnostics.add(value.place, error);
  }
  return {};
}

std::optional<int64_t> read_integer(const Yaml& value, const Key& key, const std::string& what,
                                    Diagnostics& diagnostics) {
  if (!value.is_scalar()) {
    diagnostics.add(value.place, fmt::format("{} must be an integer, got {}", what, value.describe()));
    return {};
  }
  SettingDescription bounds;
  bounds.kind = SettingKind::kInteger;
  bounds.least = key.least;
  bounds.most = key.most;
  try {
    return parse_setting(bounds, {value.text}, what).integer.at(0);
  } catch (const SettingError& error) {
    diagnostics.add(value.place, error);
  }
  return {};
}

std::optional<bool> read_flag(const Yaml& value, const std::string& what, Diagnostics& diagnostics) {
  if (value.is_scalar() && (value.text == "true" || value.text == "false")) return value.text == "true";
  diagnostics.add(value.place, fmt::format("{} must be true or false, got {}", what, value.describe()));
  return {};
}

std::optional<std::string> read_text(const Yaml& value, const Key& key, const std::string& what,
                                     Diagnostics& diagnostics) {
  if (!value.is_scalar() || value.text.empty()) {
    diagnostics.add(value.place,
                    fmt::format("{} must be {}, got {}", what,
                                key.choices.empty() ? "a text" : "one of " + joined(key.choices), value.describe()));
    return {};
  }
  if (!key.choices.empty() && std::find(key.choices.begin(), key.choices.end(), value.text) == key.choices.end()) {
    const auto near = nearest_name(value.text, key.choices);
    diagnostics.add(value.place,
                    fmt::format("{} must be one of {}; got '{}'{}", what, joined(key.choices), value.text,
                                near ? ". Did you mean '" + *near + "'?" : ""),
                    near.value_or(""));
    return {};
  }
  return value.text;
}

std::optional<std::vector<int64_t>> read_integers(const Yaml& value, const Key& key, const std::string& what,
                                                  Diagnostics& diagnostics) {
  std::vector<int64_t> all;
  bool good = true;
  for (const Yaml* item : items(value)) {
    const auto number =
        read_integer(*item, key, value.is_list() ? fmt::format("{}[{}]", what, all.size()) : what, diagnostics);
    all.push_back(number.value_or(0));
    good = good && number;
  }
  return good ? std::optional(all) : std::nullopt;
}

std::optional<std::vector<std::string>> read_texts(const Yaml& value, const std::string& what,
                                                   Diagnostics& diagnostics) {
  std::vector<std::string> all;
  bool good = true;
  for (const Yaml* item : items(value)) {
    const auto text =
        read_text(*item, Key{}, value.is_list() ? fmt::format("{}[{}]", what, all.size()) : what, diagnostics);
    all.push_back(text.value_or(""));
    good = good && text;
  }
  return good ? std::optional(all) : std::nullopt;
}

namespace {

/// With control characters written as in JSON.
std::string visible(const std::string& text) {
  std::string shown;
  for (const char c : text) {
    if (static_cast<unsigned char>(c) < 0x20)
      shown += c == '\n' ? "\\n" : c == '\t' ? "\\t" : fmt::format("\\u{:04x}", static_cast<int>(c));
    else
      shown += c;
  }
  return shown;
}

}  // namespace

bool check_name(const Yaml::Entry& entry, const std::string& what, Diagnostics& diagnostics) {
  const std::string& name = entry.key;
  // Whatever the locale, which a plugin may change, says of letters: names become those of files and of NetCDF.
  const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  const auto follows = [&](char c) { return letter(c) || (c >= '0' && c <= '9') || c == '_' || c == '-'; };
  if (!name.empty() && letter(name[0]) && std::all_of(name.begin(), name.end(), follows)) {
    if (name.size() <= kLongestName) return true;
    diagnostics.add(entry.place,
                    fmt::format("the name of {} must have at most {} characters, got {}: '{}...'. Rename it", what,
                                kLongestName, name.size(), name.substr(0, 20)));
    return false;
  }
  diagnostics.add(
      entry.place,
      fmt::format("the name of {} must be a letter of ASCII followed by letters, digits, '_' or '-', got '{}'. "
                  "Rename it",
                  what, visible(name)));
  return false;
}

}  // namespace potluck
