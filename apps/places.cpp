// SPDX-License-Identifier: Apache-2.0
#include "apps/places.h"

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

std::vector<PluginPlace> standing_places() {
  std::vector<PluginPlace> places;
  if (const char* path = std::getenv("POTLUCK_PLUGIN_PATH")) {
    std::istringstream entries(path);
    for (std::string entry; std::getline(entries, entry, ':');)
      if (!entry.empty()) places.push_back({entry, "POTLUCK_PLUGIN_PATH"});
  }
  if (const filesystem::path data = user_data_folder(); !data.empty()) places.push_back({data / "plugins", "user"});
  if (const filesystem::path plugins = installed_plugins_folder(); !plugins.empty())
    places.push_back({plugins, "installation"});
  return places;
}

}  // namespace potluck
