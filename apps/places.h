// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace potluck {

/// A file or folder where plugins are looked for.
struct PluginPlace {
  std::filesystem::path path;
  std::string name;  ///< "--plugin", "POTLUCK_PLUGIN_PATH", "user", "installation"
};

/// The folders that hold behind the command line and the composition, in the order of search: POTLUCK_PLUGIN_PATH
/// (separated by colons), the user's data folder, the installation. The working directory is never among them.
std::vector<PluginPlace> standing_places();

/// $XDG_DATA_HOME/potluck, else ~/.local/share/potluck; empty where there is no home.
std::filesystem::path user_data_folder();

/// $XDG_CACHE_HOME/potluck, else ~/.cache/potluck; empty where there is no home.
std::filesystem::path user_cache_folder();

/// potluck/plugins in the library folder beside the folder of this executable.
std::filesystem::path installed_plugins_folder();

}  // namespace potluck
