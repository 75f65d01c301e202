// SPDX-License-Identifier: Apache-2.0
#include "apps/earlier_run.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <system_error>

#include "apps/belonging.h"

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
        fmt::format("{}: must be of `potluck {}`, got one of `potluck {}`. To go on with it: potluck {} "
                    "--resume {}",
                    folder.string(), command, begun_with, begun_with, folder.string()));
  if (command == "evidence" && record.value("state", "") == "done")
    throw FileError(fmt::format("{}: must have something left to do, got one whose estimate is done, in {}",
                                folder.string(), (folder / "evidence.json").string()));
}

}  // namespace

EarlierRun::EarlierRun(CommandLine& line, const Words& words, Ranks* ranks)
    : folder_(filesystem::absolute(*line.value("resume")).lexically_normal()), command_({"potluck", line.name()}) {
  command_.insert(command_.end(), words.begin(), words.end());
  if (ranks && ranks->several()) folder_ = rank_folder(folder_, ranks->rank);
  record_ = read_record(folder_);
  check_command(line.name(), folder_, record_);
  checkpoint_ = read_checkpoint(folder_);
  if (ranks && !ranks->several() && record_.contains("rank")) {
    ranks->rank = record_["rank"].at("rank");
    ranks->world = record_["rank"].at("world");
    ranks->told_by = folder_.string();
  }
  std::vector<Words> before = {words_behind(record_.at("command"))};
  for (const auto& one : record_.value("resumed", RunRecord::array()))
    before.push_back(words_behind(one.at("command")));
  line.go_on_from(before);
  const std::string begun_in = record_.at("folder");
  std::error_code failed;
  filesystem::current_path(begun_in, failed);
  if (failed) {
    throw FileError(fmt::format("{}: the folder in which the run was begun must be there, got '{}' of {}",
                                folder_.string(), failed.message(), begun_in));
  }
}

void EarlierRun::carry_over(RunRecord& record) const {
  record["started"] = record_.at("started");
  record["command"] = record_.at("command");
  record["resumed"] = record_.value("resumed", RunRecord::array());
  record["resumed"].push_back({{"at", time_now()}, {"draws", checkpoint_.draws}, {"command", command_}});
}

void EarlierRun::check_belonging(const RunRecord& record, const std::string& instead) const {
  const std::vector<std::string> differing = differences(checkpoint_.belongs, belonging_of(record));
  if (differing.empty()) return;
  throw FileError(fmt::format("{}: a run must go on as it was begun, got differences:\n  {}\nTake them back, or {}",
                              folder_.string(), fmt::join(differing, "\n  "), instead));
}

void EarlierRun::check_steps(const RunRecord& record) const {
  const int64_t done = checkpoint_.draws * record.at("thin").get<int64_t>(), asked = record.at("steps");
  const bool complete = record_.value("state", "") == "done";
  if (asked > done || (asked == done && !complete)) return;
  throw SettingError(
      fmt::format("sample.steps must be above the {} that {} has, got {}. Ask for more: --set "
                  "sample.steps={}",
                  done, folder_.string(), asked, 2 * done));
}

}  // namespace potluck
