// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "apps/commands/plugins_check.h"
#include "apps/process/exit_code.h"
#include "apps/terminal/command.h"
#include "apps/terminal/search_paths.h"
#include "apps/terminal/text.h"
#include "potluck/engine.h"

namespace potluck {
namespace {

int list(const Words& words) {
  CommandLine line("plugins list", {}, "Lists the plugins that are found, in the order of search. Opens none.");
  if (!line.parse(words)) return kDone;
  engine::Plugins plugins(plugin_options(line));
  std::vector<std::vector<std::string>> rows;
  for (const engine::Plugin& plugin : plugins.list())
    rows.push_back({plugin.id.empty() ? std::filesystem::path(plugin.file).filename().string() : plugin.id,
                    plugin.version, plugin.found_by,
                    plugin.usable ? fmt::format("{}", fmt::join(plugin.models, ", ")) : "refused: " + plugin.reason});
  if (rows.empty()) fmt::print("No plugins were found. `potluck plugins path` says where they are looked for.\n");
  fmt::print("{}", columns(rows));
  return kDone;
}

// The file that a word means: a path where there is one, else the usable (or else any) plugin of that id.
std::string file_of(engine::Plugins& plugins, const std::string& file_or_id) {
  if (std::filesystem::exists(file_or_id)) return file_or_id;
  const std::vector<engine::Plugin> found = plugins.list();
  std::vector<std::string> ids;
  const engine::Plugin* match = nullptr;
  for (const engine::Plugin& plugin : found) {
    ids.push_back(plugin.id);
    if (plugin.id == file_or_id && (match == nullptr || (plugin.usable && !match->usable))) match = &plugin;
  }
  if (match == nullptr) throw UsageError(unknown_name("plugin (neither a file nor an id)", file_or_id, ids));
  return match->file;
}

int inspect(const Words& words) {
  CommandLine line("plugins inspect", {"FILE-or-ID"},
                   "Prints what a plugin says of itself in its note. The library is read, not opened.");
  if (!line.parse(words)) return kDone;
  engine::Plugins plugins(plugin_options(line));
  const std::string file = file_of(plugins, line.operand(0));
  const engine::Plugin note = engine::Plugins::inspect(file);
  fmt::print("{}", columns({{"file", file},
                            {"id", note.id},
                            {"version", note.version},
                            {"licence", note.licence},
                            {"models", fmt::format("{}", fmt::join(note.models, ", "))},
                            {"door", fmt::format("ABI {}, needs minor {}", note.abi, note.needs_minor)},
                            {"LibTorch", note.torch.empty() ? "none" : note.torch},
                            {"compiler", note.compiler}}));
  for (const engine::Plugin& plugin : plugins.list()) {
    std::error_code failed;
    if (!std::filesystem::equivalent(plugin.file, file, failed)) continue;
    fmt::print("{}",
               columns({{"found by", plugin.found_by}, {"usable", plugin.usable ? "yes" : "no: " + plugin.reason}}));
  }
  return kDone;
}

int path(const Words& words) {
  CommandLine line("plugins path", {}, "Prints where plugins are looked for, in the order of search.");
  if (!line.parse(words)) return kDone;
  std::vector<std::vector<std::string>> rows;
  for (const std::string& file : line.values("plugin")) rows.push_back({"--plugin", file});
  rows.push_back({"composition", "`plugins:` of the file"});
  for (const engine::SearchPath& place : standing_search_paths())
    rows.push_back({place.name, place.path + (std::filesystem::exists(place.path) ? "" : " (not there)")});
  fmt::print("{}", columns(rows));
  return kDone;
}

}  // namespace

int plugins_command(const Words& words) {
  return run_action("plugins",
                    {{"list", "", "what is found, usable or refused and why", list},
                     {"inspect", "FILE-or-ID", "what a plugin says of itself", inspect},
                     {"check", "FILE-or-ID", "whether its models keep what they claim", check_plugin},
                     {"path", "", "where plugins are looked for", path}},
                    words);
}

}  // namespace potluck
