// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>
#include <vector>

#include "core/sampling/run/run.h"

namespace potluck::testing {

using OptionWords = std::map<std::string, std::string>;

/// The options of a method: those that are named as written, the others at their presets.
inline std::vector<SettingValue> values_of(const std::string& name, const OptionWords& words = {}) {
  std::vector<SettingValue> values;
  for (const SettingDescription& option : method(name).options) {
    const auto given = words.find(option.name);
    values.push_back(given == words.end() ? preset_value(option, option.name)
                                          : parse_setting(option, {given->second}, option.name));
  }
  return values;
}

/// The first options as written, the others at their presets.
inline std::vector<SettingValue> first_values(const std::string& name, const std::vector<std::string>& words) {
  OptionWords named;
  for (size_t i = 0; i < words.size(); ++i) named[method(name).options.at(i).name] = words[i];
  return values_of(name, named);
}

}  // namespace potluck::testing
