// SPDX-License-Identifier: Apache-2.0
// Settings at the ends of their bounds: a model may refuse a value, but neither crash nor compute nonsense.
#include <fmt/format.h>

#include <cmath>

#include "plugins/conformance/checks.h"

namespace potluck::conformance {

namespace {

bool is_number(const SettingDescription& setting) {
  return setting.kind == SettingKind::kInteger || setting.kind == SettingKind::kReal;
}

/// Values worth trying for one setting, as the user would write them.
std::vector<std::string> words_to_try(const SettingDescription& setting) {
  if (setting.kind == SettingKind::kChoice) return setting.choices;
  if (setting.kind == SettingKind::kBool) return {"true", "false"};
  std::vector<std::string> words;
  if (is_number(setting)) {
    for (const double end : {setting.least, setting.most})
      if (std::isfinite(end)) words.push_back(fmt::format("{}", end));
  }
  return words;
}

bool host_refuses(const SettingDescription& setting, double value) {
  try {
    parse_setting(setting, {fmt::format("{}", value)}, setting.name);
    return false;
  } catch (const SettingError&) {
    return true;
  }
}

}  // namespace

Finding check_settings(const Subject& subject) {
  const std::vector<SettingDescription>& settings = subject.kind().settings;
  if (settings.empty()) return not_applicable("the model has no settings");
  int created = 0, refused = 0, bounds = 0;
  for (size_t s = 0; s < settings.size(); ++s) {
    const SettingDescription& setting = settings[s];
    if (setting.preset) preset_value(setting, setting.name);  // throws where it breaks its own bounds
    if (is_number(setting)) {
      for (const double sign : {-1.0, 1.0}) {
        const double end = sign < 0 ? setting.least : setting.most;
        if (!std::isfinite(end)) continue;
        ++bounds;
        const double outside = end + sign * std::max(1.0, std::abs(end));
        if (!host_refuses(setting, outside)) {
          return failed(
              fmt::format("setting '{}': {} is outside its bounds and must be refused", setting.name, outside),
              "State least and most in the settings table");
        }
      }
    }
    for (const std::string& word : words_to_try(setting)) {
      std::vector<SettingValue> values = subject.values();
      values[s] = parse_setting(setting, {word}, setting.name);
      try {
        const Model model = subject.create(subject.best_precision(), subject.slots(), values);
        ++created;
        const Evaluation found = evaluate(model, subject.points(model, 8, 40));
        for (const double energy : found.energy) {
          if (!std::isnan(energy) && energy != -INFINITY) continue;
          return failed(
              fmt::format("an energy must be a number or +inf, got {} with {} = {}", energy, setting.name, word),
              "Narrow the setting's bounds, or refuse the value in create() with POTLUCK_BAD_SETTING");
        }
      } catch (const ModelCreateError&) {
        ++refused;
      }
    }
  }
  return passed(fmt::format("{} values at the ends and choices created, {} refused by the model; {} bounds hold",
                            created, refused, bounds));
}

}  // namespace potluck::conformance
