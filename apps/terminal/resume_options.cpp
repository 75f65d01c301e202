// SPDX-License-Identifier: Apache-2.0
#include "apps/terminal/resume_options.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cstdio>
#include <filesystem>
#include <optional>
#include <vector>

namespace potluck {
namespace {

namespace filesystem = std::filesystem;

std::string folder_to_resume(const CommandLine& line, const engine::Ranks* ranks) {
  const std::string folder = filesystem::absolute(*line.value("resume")).lexically_normal().string();
  return ranks && ranks->several() ? engine::rank_folder(folder, ranks->rank) : folder;
}

/// What stands behind `potluck COMMAND`. @throws UsageError where it is the command of another program
Words words_behind(const std::string& folder, const std::string& name, const Words& command) {
  if (command.size() >= 2 && command[0] == "potluck" && command[1] == name) return {command.begin() + 2, command.end()};
  throw UsageError(
      fmt::format("{}: must be of `potluck {}`, got one that another program began or went on with: {}. Go on with it "
                  "there",
                  folder, name, fmt::join(command, " ")));
}

}  // namespace

engine::TypedCommand typed_command(const std::string& name, const Words& words) {
  engine::TypedCommand command{{"potluck", name}, filesystem::current_path().string()};
  command.words.insert(command.words.end(), words.begin(), words.end());
  return command;
}

void add_resume_options(CommandLine& line, const std::string& folder_name) {
  line.add_value("resume", folder_name,
                 "continue the run or estimate in this folder from its last checkpoint; leave FILE out");
  line.let_replace_operands("resume", {"output", "overwrite"});
  line.add_value("project", "DIR",
                 "with --resume: where the folder in which the run was begun is now. The run's relative paths are "
                 "relative to it; default: the same place as seen from the run, else the old place");
}

bool only_to_be_put_in_place(const CommandLine& line, const engine::Ranks* ranks) {
  const std::string folder = folder_to_resume(line, ranks);
  const std::optional<std::string> place = engine::EarlierRun::put_in_place(folder);
  if (!place) return false;
  fmt::print(stderr, "{} was whole: it has taken the place of {}. Nothing was left to draw\n", folder, *place);
  return true;
}

engine::EarlierRun earlier_run(CommandLine& line, engine::EarlierRun::Kind kind, engine::Ranks* ranks) {
  engine::EarlierRun run(folder_to_resume(line, ranks), kind);
  if (const auto told = run.ranks(); ranks && !ranks->several() && told) *ranks = *told;
  std::optional<std::string> project;
  if (const auto value = line.value("project")) project = filesystem::absolute(*value).string();
  const std::string name = engine::EarlierRun::command(kind);
  std::vector<EarlierWords> before;
  for (const engine::TypedCommand& one : run.commands(project)) {
    // What is said of the folder in which the command is typed is said as there.
    const filesystem::path folder = one.folder;
    before.push_back({words_behind(run.folder(), name, one.words),
                      folder == filesystem::current_path() ? filesystem::path() : folder});
  }
  line.go_on_from(before);
  return run;
}

}  // namespace potluck
