// SPDX-License-Identifier: Apache-2.0
#include "apps/terminal/resume_options.h"

#include <fmt/format.h>

#include <cstdio>
#include <filesystem>
#include <optional>
#include <vector>

namespace potluck {
namespace {

namespace filesystem = std::filesystem;

filesystem::path folder_to_resume(const CommandLine& line, const Ranks* ranks) {
  const filesystem::path folder = filesystem::absolute(*line.value("resume")).lexically_normal();
  return ranks && ranks->several() ? rank_folder(folder, ranks->rank) : folder;
}

}  // namespace

TypedCommand typed_command(const std::string& name, const Words& words) {
  TypedCommand command{{"potluck", name}, filesystem::current_path().string(), std::nullopt};
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

bool only_to_be_put_in_place(const CommandLine& line, const Ranks* ranks) {
  const filesystem::path folder = folder_to_resume(line, ranks);
  const std::optional<filesystem::path> place = RunFolder::put_in_place(folder);
  if (!place) return false;
  fmt::print(stderr, "{} was whole: it has taken the place of {}. Nothing was left to draw\n", folder.string(),
             place->string());
  return true;
}

ResumedRun resumed_run(CommandLine& line, Ranks* ranks) {
  ResumedRun run(folder_to_resume(line, ranks), line.name());
  if (const auto& rank = run.facts().rank; ranks && !ranks->several() && rank) {
    ranks->rank = rank->rank;
    ranks->world = rank->world;
    ranks->told_by = run.path().string();
  }
  std::optional<filesystem::path> told;
  if (const auto project = line.value("project")) told = filesystem::absolute(*project);
  std::vector<EarlierWords> before;
  for (const ResumedRun::Words& one : run.find_words(told)) {
    // What is said of the folder in which the command is typed is said as there.
    const bool here = one.folder == filesystem::current_path();
    before.push_back({one.words, here ? filesystem::path() : one.folder});
  }
  line.go_on_from(before);
  return run;
}

}  // namespace potluck
