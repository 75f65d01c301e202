// SPDX-License-Identifier: Apache-2.0
#include "apps/terminal/search_paths.h"

#include <cstdlib>
#include <sstream>
#include <system_error>

namespace potluck {
namespace {

namespace filesystem = std::filesystem;

// An XDG folder: the variable where it holds an absolute path (the specification says to ignore others).
filesystem::path base_folder(const char* variable, const char* below_home) {
  const char* value = std::getenv(variable);
  if (value != nullptr && filesystem::path(value).is_absolute()) return filesystem::path(value) / "potluck";
  const char* home = std::getenv("HOME");
  if (home == nullptr || *home == '\0') return {};
  return filesystem::path(home) / below_home / "potluck";
}

}  // namespace

filesystem::path user_data_folder() { return base_folder("XDG_DATA_HOME", ".local/share"); }

filesystem::path user_cache_folder() { return base_folder("XDG_CACHE_HOME", ".cache"); }

filesystem::path installed_plugins_folder() {
  std::error_code failed;
  const filesystem::path executable = filesystem::read_symlink("/proc/self/exe", failed);
  if (failed) return {};
  const filesystem::path prefix = executable.parent_path().parent_path();
  // A distribution may install to lib64 or lib/x86_64-linux-gnu; the build tree always has lib.
  const filesystem::path installed = prefix / POTLUCK_LIBRARY_FOLDER / "potluck" / "plugins";
  return filesystem::exists(installed, failed) ? installed : prefix / "lib" / "potluck" / "plugins";
}

filesystem::path optimisers_library() {
  const filesystem::path plugins = installed_plugins_folder();
  return plugins.empty() ? plugins : plugins.parent_path() / "potluck_optimisers.so";
}

filesystem::path features_library() {
  const filesystem::path plugins = installed_plugins_folder();
  return plugins.empty() ? plugins : plugins.parent_path() / "potluck_features.so";
}

std::vector<engine::SearchPath> standing_search_paths() {
  std::vector<engine::SearchPath> paths;
  if (const char* path = std::getenv("POTLUCK_PLUGIN_PATH")) {
    std::istringstream entries(path);
    for (std::string entry; std::getline(entries, entry, ':');)
      if (!entry.empty()) paths.push_back({entry, "POTLUCK_PLUGIN_PATH"});
  }
  if (const filesystem::path data = user_data_folder(); !data.empty()) paths.push_back({data / "plugins", "user"});
  if (const filesystem::path plugins = installed_plugins_folder(); !plugins.empty())
    paths.push_back({plugins, "installation"});
  return paths;
}

engine::PluginOptions plugin_options(const CommandLine& line, bool trust_verdicts) {
  engine::PluginOptions options;
  for (const SaidWord& one : line.said("plugin")) options.first.push_back({one.path(), "--plugin"});
  options.standing = standing_search_paths();
  options.allow_world_writable = line.flag("allow-world-writable");
  options.verdicts = verdict_folder();
  options.trust_verdicts = trust_verdicts;
  return options;
}

filesystem::path verdict_folder() {
  const filesystem::path cache = user_cache_folder();
  return cache.empty() ? cache : cache / "verdicts";
}

filesystem::path estimate_folder() {
  const filesystem::path cache = user_cache_folder();
  return cache.empty() ? cache : cache / "log_z";
}

}  // namespace potluck
