// SPDX-License-Identifier: Apache-2.0
#include "apps/earlier_run.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <system_error>

#include "apps/belonging.h"

namespace potluck {
namespace {

namespace filesystem = std::filesystem;

/// The words behind `potluck sample`.
Words words_behind(const RunRecord& command) {
  Words words = command.get<Words>();
  words.erase(words.begin(), words.begin() + 2);
  return words;
}

}  // namespace

EarlierRun::EarlierRun(CommandLine& line, const Words& words, Ranks& ranks)
    : folder_(filesystem::absolute(*line.value("resume")).lexically_normal()), words_(words) {
  if (ranks.several()) folder_ = rank_folder(folder_, ranks.rank);
  record_ = read_record(folder_);
  checkpoint_ = read_checkpoint(folder_);
  if (!ranks.several() && record_.contains("rank")) {
    ranks.rank = record_["rank"].at("rank");
    ranks.world = record_["rank"].at("world");
    ranks.told_by = folder_.string();
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
  Words command = {"potluck", "sample"};
  command.insert(command.end(), words_.begin(), words_.end());
  record["resumed"].push_back({{"at", time_now()}, {"draws", checkpoint_.draws}, {"command", command}});
}

void EarlierRun::check(const RunRecord& record) const {
  const std::vector<std::string> differing = differences(checkpoint_.belongs, belonging_of(record));
  if (!differing.empty()) {
    throw FileError(fmt::format(
        "{}: a run must go on as it was begun, got differences:\n  {}\nTake them back, or start another run "
        "from its last positions: start: {}",
        folder_.string(), fmt::join(differing, "\n  "), (folder_ / "state.safetensors").string()));
  }
  const int64_t done = checkpoint_.draws * record.at("thin").get<int64_t>(), asked = record.at("steps");
  const bool complete = record_.value("state", "") == "done";
  if (asked > done || (asked == done && !complete)) return;
  throw SettingError(
      fmt::format("sample.steps must be above the {} that {} has, got {}. Ask for more: --set "
                  "sample.steps={}",
                  done, folder_.string(), asked, 2 * done));
}

}  // namespace potluck
