// SPDX-License-Identifier: Apache-2.0
#include "compose/engine/earlier_run.h"

#include <filesystem>

#include "compose/engine/errors.h"
#include "compose/engine/paths.h"
#include "compose/engine/reading.h"

namespace potluck::engine {

namespace filesystem = std::filesystem;

namespace {

filesystem::path absolute_path(const std::string& folder) {
  check_given_path(folder, "folder");
  return normal_path(filesystem::absolute(folder));
}

}  // namespace

std::string rank_folder(const std::string& run, int64_t rank) {
  return translated([&] { return potluck::rank_folder(run, rank).string(); });
}

const char* EarlierRun::command(Kind kind) noexcept {
  switch (kind) {
    case Kind::kSample:
      return "sample";
    case Kind::kEvidence:
      return "evidence";
    case Kind::kTraining:
      return "train";
  }
  return "";
}

EarlierRun::EarlierRun(const std::string& folder, Kind kind)
    : state_(translated([&] {
        const filesystem::path path = absolute_path(folder);
        return std::unique_ptr<State>(new State{path.string(), ResumedRun(path, command(kind))});
      })) {}
EarlierRun::~EarlierRun() = default;
EarlierRun::EarlierRun(EarlierRun&&) noexcept = default;
EarlierRun& EarlierRun::operator=(EarlierRun&&) noexcept = default;

std::optional<std::string> EarlierRun::put_in_place(const std::string& folder) {
  return translated([&]() -> std::optional<std::string> {
    const auto place = RunFolder::put_in_place(absolute_path(folder));
    return place ? std::optional(place->string()) : std::nullopt;
  });
}

const std::string& EarlierRun::folder() const noexcept { return state_->folder; }

std::optional<Ranks> EarlierRun::ranks() const {
  const std::optional<RankFacts>& rank = state_->run.facts().rank;
  if (!rank) return std::nullopt;
  return Ranks{rank->rank, rank->world, state_->folder};
}

std::vector<TypedCommand> EarlierRun::commands(const std::optional<std::string>& project) {
  return translated([&] {
    std::optional<filesystem::path> told;
    if (project) told = *project;
    std::vector<TypedCommand> all;
    for (const ResumedRun::Words& one : state_->run.find_words(told)) all.push_back({one.words, one.folder.string()});
    return all;
  });
}

Composition EarlierRun::read(const std::string& file, Plugins& plugins, const Overrides& overrides,
                             const Machine& machine) const {
  return translated([&] {
    check_path(file, "file");
    SessionOptions options = session_options(overrides, machine);
    options.file = file;
    options.estimates = state_->run.facts().surroundings.log_z;
    if (state_->run.facts().training) options.read_for = ReadFor::kTraining;
    options.overrides.text = state_->run.facts().surroundings.file_text;
    return Composition(engine::read(std::move(options), plugins));
  });
}

}  // namespace potluck::engine
