// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <vector>

#include "apps/terminal/command_line.h"
#include "potluck/engine.h"

namespace potluck {

/// The folders that hold behind the command line and the composition, in the order of search: POTLUCK_PLUGIN_PATH
/// (separated by colons), the user's data folder, the installation. The working directory is never among them.
std::vector<engine::SearchPath> standing_search_paths();

/// --plugin before the standing search paths, and --allow-world-writable.
/// @param trust_verdicts  false: judge every plugin anew, whatever the cache says
engine::PluginOptions plugin_options(const CommandLine& line, bool trust_verdicts = true);

/// Where the verdicts of first sight are kept: user_cache_folder()/verdicts, or empty.
std::filesystem::path verdict_folder();

/// Where estimates of log Z are kept from run to run: user_cache_folder()/log_z, or empty.
std::filesystem::path estimate_folder();

/// $XDG_DATA_HOME/potluck, else ~/.local/share/potluck; empty where there is no home.
std::filesystem::path user_data_folder();

/// $XDG_CACHE_HOME/potluck, else ~/.cache/potluck; empty where there is no home.
std::filesystem::path user_cache_folder();

/// potluck/plugins in the library folder beside the folder of this executable.
std::filesystem::path installed_plugins_folder();

/// The library of optimisers of the same installation.
std::filesystem::path optimisers_library();
/// The library that hosts networks of features, likewise.
std::filesystem::path features_library();

}  // namespace potluck
