// SPDX-License-Identifier: Apache-2.0
#include "plugins/conformance/settings_to_try.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <string>

#include "core/error.h"

namespace potluck::conformance {

namespace {

/// The words of a list that was given, or stands as a preset; empty for what is no list.
std::vector<std::string> words_of_list(const SettingDescription& setting, const SettingValue& value) {
  std::vector<std::string> words;
  if (!setting.list) return words;
  for (const int64_t number : value.integer) words.push_back(fmt::format("{}", number));
  for (const double number : value.real) words.push_back(fmt::format("{}", number));
  return setting.kind == SettingKind::kInteger || setting.kind == SettingKind::kReal ? words
                                                                                     : std::vector<std::string>();
}

/// Other values of one setting, as a user would write them.
std::vector<std::vector<std::string>> words_to_try(const SettingDescription& setting, const SettingValue& value) {
  std::vector<std::vector<std::string>> all;
  if (setting.list) {
    const std::vector<std::string> words = words_of_list(setting, value);
    for (const size_t length : {size_t{1}, size_t{2}}) {
      if (words.size() > length) all.emplace_back(words.begin(), words.begin() + static_cast<std::ptrdiff_t>(length));
    }
    return all;
  }
  if (setting.kind == SettingKind::kInteger) return {{"1"}, {"2"}};
  if (setting.kind == SettingKind::kBool) return {{"false"}, {"true"}};
  if (setting.kind == SettingKind::kChoice) {
    for (const std::string& choice : setting.choices) all.push_back({choice});
  }
  return all;
}

}  // namespace

std::vector<NarrowSetup> settings_to_try(const ModelKind& kind, const ConformanceOptions& options,
                                         const std::vector<SettingValue>& values) {
  std::vector<NarrowSetup> all = {{{}, values, true, ""}};
  for (size_t s = 0; s < kind.settings.size(); ++s) {
    const SettingDescription& setting = kind.settings[s];
    for (const std::vector<std::string>& words : words_to_try(setting, values[s])) {
      try {
        NarrowSetup setup = all[0];
        setup.values[s] = parse_setting(setting, words, setting.name);
        setup.said = fmt::format(", with {} = {}", setting.name, fmt::join(words, ","));
        all.push_back(std::move(setup));
      } catch (const SettingError&) {
        // Outside its bounds.
      }
    }
  }
  if (!options.settings.empty()) {
    NarrowSetup presets = all[0];
    for (size_t s = 0; s < kind.settings.size(); ++s) {
      if (kind.settings[s].preset) presets.values[s] = preset_value(kind.settings[s], kind.settings[s].name);
    }
    presets.said = ", with all settings at their presets";
    all.push_back(std::move(presets));
  }
  if (!options.weights.empty()) {
    for (size_t i = 0, with_weights = all.size(); i < with_weights; ++i) {
      NarrowSetup without = all[i];
      without.with_weights = false;
      without.said += ", without the weights";
      all.push_back(std::move(without));
    }
  }
  return all;
}

}  // namespace potluck::conformance
