// SPDX-License-Identifier: Apache-2.0
#include "compose/record/resumed_run.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <system_error>

#include "compose/record/run_course.h"
#include "compose/record/run_identity.h"
#include "compose/record/run_record.h"

namespace potluck {
namespace {

namespace filesystem = std::filesystem;

/// What goes on with it: "sample", "evidence".
std::string command_of(const RunFacts& facts) {
  if (facts.training) return "train";
  return facts.annealing ? "evidence" : "sample";
}

void check_command(const std::string& command, const filesystem::path& folder, const RunFacts& facts) {
  const std::string begun_with = command_of(facts);
  if (begun_with != command)
    throw FileError(
        fmt::format("{}: must be of `potluck {}`, got one of `potluck {}`. To resume it: potluck {} --resume {}",
                    folder.string(), command, begun_with, begun_with, folder.string()));
  if (command == "evidence" && facts.standing.state == "done")
    throw FileError(fmt::format("{}: must have something left to do, got one whose estimate is done, in {}",
                                folder.string(), (folder / "evidence.json").string()));
  if (command == "train" && facts.standing.state == "done")
    throw FileError(
        fmt::format("{}: must have something left to do, got a training that is done. To train on from its "
                    "weights: potluck train {} --continue",
                    folder.string(), facts.file));
}

/// Where the folder in which `command` was typed may be now, the likeliest first.
std::vector<filesystem::path> places_of(const TypedCommand& command, const filesystem::path& run) {
  std::vector<filesystem::path> places;
  if (command.folder_from_run) places.push_back(normal_path(run / *command.folder_from_run));
  if (!command.folder.empty()) places.emplace_back(command.folder);
  return places;
}

bool is_folder(const filesystem::path& path) {
  std::error_code ignored;
  return filesystem::is_directory(path, ignored);
}

/// The folder in which the run was begun: where the composition is found as it was named then.
filesystem::path project_of(const std::optional<filesystem::path>& told, const RunFacts& facts,
                            const filesystem::path& run) {
  const filesystem::path file = facts.file;
  std::vector<filesystem::path> places = places_of(facts.command, run);
  if (told) places = {normal_path(*told)};
  std::error_code ignored;
  std::vector<std::string> tried;
  for (const filesystem::path& place : places) {
    // A composition that came through a pipe is in the record.
    if (is_folder(place) && (facts.surroundings.file_text || filesystem::exists(place / file, ignored))) return place;
    if (tried.empty() || tried.back() != (place / file).string()) tried.push_back((place / file).string());
  }
  throw FileError(fmt::format("{}: the composition that the run was begun with must be there, got none at {}. {}",
                              run.string(), fmt::join(tried, " or "),
                              told ? "Name the folder that its path is relative to"
                                   : "Say where the folder is in which the run was begun: --project DIR"));
}

/// The folder in which the run was resumed. It matters where a relative path was given then.
filesystem::path resumed_in(const TypedCommand& command, const filesystem::path& run, const filesystem::path& project,
                            const std::string& project_was) {
  if (command.folder.empty() || command.folder == project_was) return project;
  for (const filesystem::path& place : places_of(command, run))
    if (is_folder(place)) return place;
  return project;
}

}  // namespace

ResumedRun::ResumedRun(const filesystem::path& run, const std::string& command)
    : path_(normal_path(run)), folder_(std::make_unique<RunFolder>(path_)), facts_(read_record(path_)) {
  check_command(command, path_, facts_);
  checkpoint_ = read_checkpoint(path_);
  begun_in_ = facts_.command.folder;
}

std::vector<ResumedRun::Words> ResumedRun::find_words(const std::optional<filesystem::path>& told) {
  begun_in_ = project_of(told, facts_, path_);
  std::vector<Words> before = {{facts_.command.words, begun_in_}};
  for (const Resumption& one : facts_.resumed)
    before.push_back({one.command.words, resumed_in(one.command, path_, begun_in_, facts_.command.folder)});
  return before;
}

void ResumedRun::carry_over(RunFacts& facts) const {
  Resumption resumption{time_now(), checkpoint_.draws, facts.command};
  note_folder(resumption.command, path_);
  facts.standing.started = facts_.standing.started;
  facts.command = {facts_.command.words, begun_in_.string(), std::nullopt};
  note_folder(facts.command, path_);
  facts.file = facts_.file;
  facts.resumed = facts_.resumed;
  facts.resumed.push_back(std::move(resumption));
}

void ResumedRun::check_identity(const RunFacts& facts, const std::string& instead) const {
  const std::vector<std::string> differing = differences(checkpoint_.belongs, run_identity(facts));
  if (differing.empty()) return;
  throw FileError(
      fmt::format("{}: a run must be resumed as it was begun, got differences:\n  {}\nTake them back, or {}",
                  path_.string(), fmt::join(differing, "\n  "), instead));
}

std::string ResumedRun::how_to_start_another() const {
  const filesystem::path state = path_ / "state.safetensors";
  std::error_code ignored;
  if (filesystem::exists(state, ignored)) return "start another run from its last positions: start: " + state.string();
  // A run that has not ended has no such file, and one without draws has no positions.
  if (checkpoint_.draws == 0) return "begin another run";
  return fmt::format("start another run from its last positions, start: {}, which this makes: potluck export {}",
                     state.string(), path_.string());
}

void ResumedRun::check_steps(const RunFacts& facts) const {
  const SamplingAsked& sampling = facts.sampling.value();
  const int64_t done = checkpoint_.draws * sampling.thin, asked = sampling.steps;
  const bool complete = facts_.standing.state == "done";
  if (asked > done || (asked == done && !complete)) return;
  throw SettingError("sample.steps", fmt::format(" must be above the {} that {} has, got {}. Ask for more: --set "
                                                 "sample.steps={}",
                                                 done, path_.string(), asked, 2 * done));
}

}  // namespace potluck
