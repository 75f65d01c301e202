// SPDX-License-Identifier: Apache-2.0
#include "compose/experts/weights_metadata.h"

#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "core/error.h"

namespace potluck {

namespace {

using Json = nlohmann::json;

constexpr const char* kModel = "potluck.model";
constexpr const char* kSettings = "potluck.settings";
constexpr size_t kMostShown = 40;  ///< characters of a metadata text in an error

[[noreturn]] void refuse(std::string got) {
  if (got.size() > kMostShown) got = got.substr(0, kMostShown) + "...";
  throw FileError(
      fmt::format("its metadata '{}' must be a JSON object of texts and lists of texts, got {}. Train the "
                  "model again, or remove the metadata",
                  kSettings, got));
}

std::string dumped(const Json& value) { return value.dump(-1, ' ', false, Json::error_handler_t::replace); }

std::string word(const Json& value) {
  if (!value.is_string()) refuse(dumped(value));
  return value.get<std::string>();
}

}  // namespace

WeightsSettings read_weights_metadata(const std::map<std::string, std::string>& metadata) {
  WeightsSettings found;
  const auto model = metadata.find(kModel);
  if (model != metadata.end()) found.model = model->second;
  const auto text = metadata.find(kSettings);
  if (text == metadata.end()) return found;
  const Json settings = Json::parse(text->second, nullptr, /*allow_exceptions=*/false);
  if (!settings.is_object()) refuse(settings.is_discarded() ? fmt::format("'{}'", text->second) : dumped(settings));
  for (const auto& [name, value] : settings.items()) {
    std::vector<std::string>& all = found.settings[name];
    if (!value.is_array()) {
      all.push_back(word(value));
      continue;
    }
    for (const Json& each : value) all.push_back(word(each));
  }
  return found;
}

std::vector<std::string> setting_words(const SettingDescription& setting, const SettingValue& value) {
  std::vector<std::string> all = value.text;
  // A word in place of a number is read as NaN.
  for (const double real : value.real)
    all.push_back(std::isnan(real) && !setting.choices.empty() ? setting.choices[0] : fmt::format("{}", real));
  for (const int64_t integer : value.integer) {
    if (setting.kind == SettingKind::kBool)
      all.push_back(integer != 0 ? "true" : "false");
    else if (setting.kind == SettingKind::kChoice)
      all.push_back(setting.choices.at(static_cast<size_t>(integer)));
    else
      all.push_back(fmt::format("{}", integer));
  }
  return all;
}

std::map<std::string, std::string> weights_metadata(const Leaf& leaf) {
  Json settings = Json::object();
  for (size_t i = 0; i < leaf.kind->settings.size(); ++i) {
    const SettingDescription& setting = leaf.kind->settings[i];
    if (setting.kind == SettingKind::kFile) continue;
    const std::vector<std::string> all = setting_words(setting, leaf.settings.at(i));
    if (setting.list)
      settings[setting.name] = all;
    else
      settings[setting.name] = all.at(0);
  }
  return {{kModel, leaf.kind->name}, {kSettings, dumped(settings)}};
}

}  // namespace potluck
