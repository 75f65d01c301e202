// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "compose/tree/tree.h"

namespace potluck {

/// What a weights file says of the model that its arrays are of, in the metadata of safetensors:
///
///   potluck.model     the model's name, "conv_energy"
///   potluck.settings  a JSON object: name of a setting -> its text as a composition has it, or a list of texts
///
/// A file may have neither. Settings that name files are not among them: a path says nothing where the weights go.
struct WeightsSettings {
  std::optional<std::string> model;
  std::map<std::string, std::vector<std::string>> settings;  ///< words, as parse_setting takes them
};

/// @throws FileError "its metadata 'potluck.settings' must be a JSON object of texts and lists of texts, got ..."
WeightsSettings read_weights_metadata(const std::map<std::string, std::string>& metadata);

/// A value as parse_setting takes it, one word for each of its numbers or texts: "0.25", "true", "auto".
std::vector<std::string> setting_words(const SettingDescription& setting, const SettingValue& value);

/// The metadata of weights that `leaf` learned: what read_weights_metadata reads.
std::map<std::string, std::string> weights_metadata(const Leaf& leaf);

}  // namespace potluck
