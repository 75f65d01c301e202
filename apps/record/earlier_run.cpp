// SPDX-License-Identifier: Apache-2.0
#include "apps/record/earlier_run.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <optional>
#include <system_error>
#include <vector>

#include "apps/record/belonging.h"

namespace potluck {
namespace {

namespace filesystem = std::filesystem;

/// The words behind `potluck COMMAND`.
Words words_behind(const RunRecord& command) {
  Words words = command.get<Words>();
  words.erase(words.begin(), words.begin() + 2);
  return words;
}

void check_command(const std::string& command, const filesystem::path& folder, const RunRecord& record) {
  const std::string begun_with = record.at("command").at(1);
  if (begun_with != command)
    throw FileError(
        fmt::format("{}: must be of `potluck {}`, got one of `potluck {}`. To resume it: potluck {} --resume {}",
                    folder.string(), command, begun_with, begun_with, folder.string()));
  if (command == "evidence" && record.value("state", "") == "done")
    throw FileError(fmt::format("{}: must have something left to do, got one whose estimate is done, in {}",
                                folder.string(), (folder / "evidence.json").string()));
}

filesystem::path folder_to_resume(const CommandLine& line, const Ranks* ranks) {
  const filesystem::path folder = filesystem::absolute(*line.value("resume")).lexically_normal();
  return ranks && ranks->several() ? rank_folder(folder, ranks->rank) : folder;
}

/// Where the folder that `noted` names (note_folder) may be now, the likeliest first.
std::vector<filesystem::path> places_of(const RunRecord& noted, const filesystem::path& run) {
  std::vector<filesystem::path> places;
  if (noted.contains("folder_from_run"))
    places.push_back((run / noted.at("folder_from_run").get<std::string>()).lexically_normal());
  if (noted.contains("folder")) places.emplace_back(noted.at("folder").get<std::string>());
  return places;
}

bool is_folder(const filesystem::path& path) {
  std::error_code ignored;
  return filesystem::is_directory(path, ignored);
}

/// The folder in which the run was begun: where the composition is found as it was named then.
filesystem::path project_of(const CommandLine& line, const RunRecord& record, const filesystem::path& run) {
  const filesystem::path file = record.at("file").get<std::string>();
  const auto told = line.value("project");
  std::vector<filesystem::path> places = places_of(record, run);
  if (told) places = {filesystem::absolute(*told).lexically_normal()};
  std::error_code ignored;
  std::vector<std::string> tried;
  for (const filesystem::path& place : places) {
    // A composition that came through a pipe is in the record.
    if (is_folder(place) && (record.contains("file_text") || filesystem::exists(place / file, ignored))) return place;
    if (tried.empty() || tried.back() != (place / file).string()) tried.push_back((place / file).string());
  }
  throw FileError(fmt::format("{}: the composition that the run was begun with must be there, got none at {}. {}",
                              run.string(), fmt::join(tried, " or "),
                              told ? "Name the folder that its path is relative to"
                                   : "Say where the folder is in which the run was begun: --project DIR"));
}

/// The folder in which the run was resumed. It matters where a relative path was given then.
filesystem::path resumed_in(const RunRecord& noted, const filesystem::path& run, const filesystem::path& project,
                            const std::string& project_was) {
  if (!noted.contains("folder") || noted.at("folder") == project_was) return project;
  for (const filesystem::path& place : places_of(noted, run))
    if (is_folder(place)) return place;
  return project;
}

}  // namespace

void add_resume_options(CommandLine& line, const std::string& folder_name) {
  line.add_value("resume", folder_name,
                 "continue the run or estimate in this folder from its last checkpoint; leave FILE out");
  line.let_replace_operands("resume", {"output", "overwrite"});
  line.add_value("project", "DIR",
                 "with --resume: where the folder in which the run was begun is now. The run's relative paths are "
                 "relative to it; default: the same place as seen from the run, else the old place");
}

void note_folder(RunRecord& record, const filesystem::path& typed_in, const filesystem::path& run) {
  record["folder"] = typed_in.string();
  record["folder_from_run"] = typed_in.lexically_relative(run).string();
}

bool only_to_be_put_in_place(const CommandLine& line, const Ranks* ranks) {
  const filesystem::path folder = folder_to_resume(line, ranks);
  const std::optional<filesystem::path> place = RunFolder::put_in_place(folder);
  if (!place) return false;
  fmt::print(stderr, "{} was whole: it has taken the place of {}. Nothing was left to draw\n", folder.string(),
             place->string());
  return true;
}

EarlierRun::EarlierRun(CommandLine& line, const Words& words, Ranks* ranks)
    : path_(folder_to_resume(line, ranks)),
      folder_(std::make_unique<RunFolder>(path_)),
      record_(read_record(path_)),
      command_({"potluck", line.name()}) {
  command_.insert(command_.end(), words.begin(), words.end());
  check_command(line.name(), path_, record_);
  checkpoint_ = read_checkpoint(path_);
  if (ranks && !ranks->several() && record_.contains("rank")) {
    ranks->rank = record_["rank"].at("rank");
    ranks->world = record_["rank"].at("world");
    ranks->told_by = path_.string();
  }
  begun_in_ = project_of(line, record_, path_);
  const std::string was_in = record_.value("folder", "");
  std::vector<EarlierWords> before = {{words_behind(record_.at("command")), begun_in_}};
  for (const auto& one : record_.value("resumed", RunRecord::array()))
    before.push_back({words_behind(one.at("command")), resumed_in(one, path_, begun_in_, was_in)});
  // What is said of the folder in which the command is typed is said as there.
  for (EarlierWords& one : before)
    if (one.folder == filesystem::current_path()) one.folder.clear();
  line.go_on_from(before);
}

void EarlierRun::carry_over(RunRecord& record) const {
  record["started"] = record_.at("started");
  record["command"] = record_.at("command");
  record["file"] = record_.at("file");
  note_folder(record, begun_in_, path_);
  record["resumed"] = record_.value("resumed", RunRecord::array());
  RunRecord resumed = {{"at", time_now()}, {"draws", checkpoint_.draws}, {"command", command_}};
  note_folder(resumed, filesystem::current_path(), path_);
  record["resumed"].push_back(resumed);
}

void EarlierRun::check_belonging(const RunRecord& record, const std::string& instead) const {
  const std::vector<std::string> differing = differences(checkpoint_.belongs, belonging_of(record));
  if (differing.empty()) return;
  throw FileError(
      fmt::format("{}: a run must be resumed as it was begun, got differences:\n  {}\nTake them back, or {}",
                  path_.string(), fmt::join(differing, "\n  "), instead));
}

void EarlierRun::check_steps(const RunRecord& record) const {
  const int64_t done = checkpoint_.draws * record.at("thin").get<int64_t>(), asked = record.at("steps");
  const bool complete = record_.value("state", "") == "done";
  if (asked > done || (asked == done && !complete)) return;
  throw SettingError("sample.steps", fmt::format(" must be above the {} that {} has, got {}. Ask for more: --set "
                                                 "sample.steps={}",
                                                 done, path_.string(), asked, 2 * done));
}

}  // namespace potluck
