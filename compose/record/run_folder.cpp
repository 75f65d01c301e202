// SPDX-License-Identifier: Apache-2.0
#include "compose/record/run_folder.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <system_error>

#include "compose/record/foreign_files.h"
#include "compose/record/swap_mark.h"
#include "core/files/formats/atomic_file.h"
#include "core/files/formats/write_error.h"
#include "core/files/run/checkpoint_file.h"
#include "core/files/run/draws.h"

namespace potluck {
namespace {

namespace filesystem = std::filesystem;

bool is_there(const filesystem::path& path) {
  return filesystem::symlink_status(path).type() != filesystem::file_type::not_found;
}

/// Absolute, without a slash at its end, and no symbolic link: renames are to change what a link leads to.
filesystem::path real_name(const filesystem::path& given) {
  filesystem::path folder = filesystem::absolute(given).lexically_normal();
  if (!folder.has_filename()) folder = folder.parent_path();
  if (filesystem::is_symlink(folder) && !filesystem::exists(folder))
    throw FileError(fmt::format("output folder {} must be a folder, got a symbolic link to {}, which is not there",
                                given.string(), filesystem::read_symlink(folder).string()));
  return filesystem::weakly_canonical(folder);
}

/// "run" of "runs/run/"
std::string real_ending(const filesystem::path& given) {
  return given.has_filename() ? given.filename().string() : given.parent_path().filename().string();
}

[[noreturn]] void fail_to_make(const filesystem::path& given, const std::error_code& error) {
  // What is built beside a run has a longer name.
  const size_t most = most_bytes_of_name();
  const std::string name = real_ending(given);
  if (error.value() == ENAMETOOLONG && name.size() > most)
    throw FileError(
        fmt::format("output folder {} must have a name of at most {} bytes, got {}. A run that takes its "
                    "place is built beside it under a longer one; choose another with --output",
                    given.string(), most, name.size()));
  fail_with(error.value(), fmt::format("output folder {} cannot be made: {}", given.string(), error.message()),
            "Choose another with --output");
}

/// Calls `work`, which is to make an output folder: what the file system refuses is said of that.
template <class Work>
auto as_output(const filesystem::path& given, const Work& work) {
  try {
    return work();
  } catch (const filesystem::filesystem_error& error) {
    fail_to_make(given, error.code());
  }
}

void create_parents(const filesystem::path& folder, const filesystem::path& given) {
  std::error_code failed;
  filesystem::create_directories(folder.parent_path(), failed);
  if (failed) fail_to_make(given, failed);
}

bool only_leftovers(const filesystem::path& folder) {
  for (const auto& entry : filesystem::directory_iterator(folder))
    if (!is_leftover(entry.path())) return false;
  return true;
}

// Only a run may be overwritten, or what a kill left of one that had no record yet: `--output ~ --overwrite` must not
// cost anybody a home.
bool may_be_replaced(const filesystem::path& folder) {
  if (!filesystem::is_directory(folder)) return false;
  return only_leftovers(folder) || filesystem::exists(folder / "run.json");
}

/// Something that would be lost with the folder.
bool has_work(const filesystem::path& folder) {
  if (has_checkpoint(folder)) return true;
  try {
    return DrawsReader(folder).next() != nullptr;
  } catch (const FileError&) {
    return false;  // nothing that can be read
  }
}

/// "potluck sample --resume runs/bell", or of the command that its record names.
std::string how_to_go_on(const filesystem::path& folder) {
  const nlohmann::json record = json_in(folder / "run.json");
  const auto command = record.find("command");
  const bool known = command != record.end() && command->is_array() && command->size() > 1 && (*command)[1].is_string();
  return fmt::format("potluck {} --resume {}", known ? (*command)[1].get<std::string>() : "sample", folder.string());
}

/// "notes.txt, inner and 3 more"
std::string names_of(const std::vector<filesystem::path>& files) {
  constexpr size_t kMostTold = 5;
  std::string text;
  for (size_t i = 0; i < std::min(files.size(), kMostTold); ++i) text += (i > 0 ? ", " : "") + files[i].string();
  return files.size() > kMostTold ? fmt::format("{} and {} more", text, files.size() - kMostTold) : text;
}

/// Its mark goes last, so that what a kill leaves is known for what it is. What cannot be deleted now is deleted by the
/// next process.
void remove_marked(const filesystem::path& folder) {
  std::error_code failed, ignored;
  for (const auto& entry : filesystem::directory_iterator(folder, ignored)) {
    if (entry.path().filename() != kMarkFile) filesystem::remove_all(entry.path(), failed);
    if (failed) return;
  }
  filesystem::remove(folder / kMarkFile, ignored);
  filesystem::remove(folder, ignored);
}

/// A name as a run of its own.
filesystem::path renamed_run(const filesystem::path& built) {
  return built.parent_path() / (run_beside(built).filename().string() + "-new");
}

std::string how_to_rename(const filesystem::path& built) {
  return fmt::format("To go on with it, or export it, as a run of its own, rename it: mv {} {}", built.string(),
                     renamed_run(built).string());
}

std::string how_to_export(const filesystem::path& built) {
  const std::string renamed = renamed_run(built).string();
  return fmt::format("To keep its draws, rename it and export them: mv {} {}, then potluck export {}", built.string(),
                     renamed, renamed);
}

/// What stands where a new run is to be built and is none, and what to do with it.
std::string what_is_in_the_way(const filesystem::path& built, SwapMark::Role role) {
  if (role == SwapMark::Role::kOld) {
    return "an older run that was replaced, with files in it that no run makes. Move them away, and delete it: rm -r " +
           built.string();
  }
  if (!is_there(built / "run.json")) return "something else of that name. Move it away";
  return fmt::format("a run whose {} is missing or damaged, which says what it is. {}. To do without it: rm -r {}",
                     kMarkFile, how_to_rename(built), built.string());
}

/// Of an older run that `now` has taken the place of. What somebody else put there in the meantime is kept.
void remove_older(const filesystem::path& old, const filesystem::path& now) {
  if (!filesystem::is_directory(old) || carry_foreign_files(old, now)) remove_marked(old);
}

}  // namespace

RunFolder::RunFolder(const filesystem::path& folder, bool overwrite)
    : folder_(as_output(folder, [&] { return real_name(folder); })) {
  as_output(folder, [&] { begin(folder, overwrite); });
}

void RunFolder::begin(const filesystem::path& given, bool overwrite) {
  const auto check_free = [&] {
    if (is_there(folder_) && !overwrite)
      throw FileError(fmt::format(
          "output folder {} is there already. Choose another with --output, or give --overwrite", given.string()));
  };
  check_free();
  if (is_place_beside_a_run(folder_))
    throw FileError(fmt::format(
        "output folder {} must not have the name of a folder that is built beside a run. Choose another name",
        given.string()));
  if (is_there(folder_)) {
    if (!may_be_replaced(folder_))
      throw FileError(
          fmt::format("output folder {} must be a run to be overwritten, got something without run.json. "
                      "Choose another with --output",
                      given.string()));
    if (const std::vector<filesystem::path> others = foreign_files(folder_); !others.empty())
      throw FileError(
          fmt::format("output folder {} must have nothing but what runs make to be overwritten, got {}. Move what you "
                      "want to keep to another folder and delete the rest, or choose another with --output",
                      given.string(), names_of(others)));
    locks_ = lock_with_runs_below(folder_);
  } else {
    create_parents(folder_, given);
  }
  const filesystem::path built = place_of_new(folder_);
  if (is_there(built)) hold(built);
  settle();
  check_free();
  if (is_there(built)) {
    if (const SwapMark::Role role = mark_of(built).role; role != SwapMark::Role::kNew)
      throw FileError(fmt::format("{} must be free for the run that is to take the place of {}, got {}", built.string(),
                                  given.string(), what_is_in_the_way(built, role)));
    if (has_work(built) && !has_checkpoint(built))
      throw FileError(fmt::format(
          "{} must be moved away or deleted first: it is a run that was to take the place of {}, has draws, "
          "and cannot be resumed, as it has no checkpoint. {}. To delete it: rm -r {}",
          built.string(), given.string(), how_to_export(built), built.string()));
    if (has_work(built))
      throw FileError(
          fmt::format("{} must be resumed first: it is an unfinished run that was to take the place of {}. To resume "
                      "it: {}. To delete it: rm -r {}",
                      built.string(), given.string(), how_to_go_on(built), built.string()));
    remove_marked(built);
  }
  path_ = is_there(folder_) ? built : folder_;
  std::error_code failed;
  // Not where another process has made it in the meantime.
  if (!filesystem::create_directory(path_, failed)) {
    if (!failed) throw FolderInUse(path_);
    fail_to_make(given, failed);
  }
  hold(path_);
  if (!replaces()) return;
  try {
    mark_new(path_, folder_, false);
  } catch (...) {
    remove_marked(path_);
    throw;
  }
}

RunFolder::RunFolder(const filesystem::path& earlier) : folder_(real_name(earlier)), path_(folder_), kept_(true) {
  hold(path_);
  if (is_place_beside_a_run(path_)) {
    const SwapMark mark = mark_of(path_);
    if (mark.role == SwapMark::Role::kOld)
      throw FileError(
          fmt::format("{} must be a run that was not replaced, got the older run of {}. It is deleted by the next "
                      "command that writes to or exports {}",
                      path_.string(), run_beside(path_).string(), run_beside(path_).string()));
    if (mark.role == SwapMark::Role::kNone && is_there(path_ / "run.json"))
      throw FileError(
          fmt::format("{} must say in {} what it is, the new run of {} or the older one, got none that can be read. {}",
                      path_.string(), kMarkFile, run_beside(path_).string(), how_to_rename(path_)));
    if (mark.role == SwapMark::Role::kNew) folder_ = run_beside(path_);
    if (replaces() && is_there(folder_))
      for (FolderLock& lock : lock_with_runs_below(folder_)) locks_.push_back(std::move(lock));
    return;
  }
  if (is_there(place_of_new(folder_))) hold(place_of_new(folder_));
  settle();
}

std::unique_ptr<RunFolder> RunFolder::if_free(const filesystem::path& earlier) {
  try {
    return std::make_unique<RunFolder>(earlier);
  } catch (const FolderInUse&) {
    return nullptr;
  }
}

void RunFolder::hold(const filesystem::path& folder) {
  std::optional<FolderLock> lock = FolderLock::take(folder);
  if (!lock) throw FolderInUse(folder);
  locks_.push_back(std::move(*lock));
}

RunFolder::~RunFolder() {
  if (kept_ || path_.empty()) return;
  std::error_code ignored;
  if (replaces())
    remove_marked(path_);
  else
    filesystem::remove_all(path_, ignored);
}

/// Does what the table in run_folder.h says. The locks of what is there are held.
void RunFolder::settle() {
  const filesystem::path built = place_of_new(folder_), old = place_of_old(folder_);
  if (is_there(built)) {
    const SwapMark mark = mark_of(built);
    if (mark.role == SwapMark::Role::kNew && is_whole(built, mark))
      swap_in(built);
    else if (mark.role == SwapMark::Role::kOld)
      remove_older(built, folder_);
    else if (mark.role == SwapMark::Role::kNone && filesystem::is_directory(built) && only_leftovers(built))
      remove_marked(built);
  }
  if (is_there(old)) {
    const SwapMark::Role role = mark_of(old).role;
    if (role == SwapMark::Role::kOld && !is_there(folder_))
      give_name(old, folder_);
    else if (role == SwapMark::Role::kOld)
      remove_older(old, folder_);
    else if (role == SwapMark::Role::kNone && filesystem::is_directory(old) && only_leftovers(old))
      remove_marked(old);
  }
  // A swap that was finished, or whose new run is gone.
  if (is_there(folder_)) unmark(folder_);
}

void RunFolder::publish() {
  kept_ = true;
  if (!replaces()) return;
  try {
    swap_in(path_);
  } catch (const std::exception&) {
    const filesystem::path built = path_;
    if (mark_of(built).role == SwapMark::Role::kOld || !is_there(built)) path_ = folder_;  // the names were exchanged
    throw_again([&](const std::string& text) {
      if (replaces())
        return fmt::format("{} could not take the place of {}: {}. Both are whole. To put it there: {}", built.string(),
                           folder_.string(), text, how_to_go_on(built));
      return fmt::format(
          "{} is the new run, but the disk could not be asked to keep its name: {}. The older run is deleted by "
          "the next command that writes to or exports it",
          folder_.string(), text);
    });
  }
  path_ = folder_;
}

/// Steps 2 to 5, from whichever comes next.
void RunFolder::swap_in(const filesystem::path& built) {
  if (!mark_of(built).whole) {
    sync_tree(built);
    mark_new(built, folder_, true);
  }
  filesystem::path old = built;
  if (is_there(folder_)) {
    mark_old(folder_);
    if (renameat2(AT_FDCWD, built.c_str(), AT_FDCWD, folder_.c_str(), RENAME_EXCHANGE) != 0) {
      old = place_of_old(folder_);
      give_name(folder_, old);
      give_name(built, folder_);
    }
  } else {
    give_name(built, folder_);
  }
  sync_folder(folder_.parent_path());
  unmark(folder_);
  if (is_there(old)) remove_older(old, folder_);
}

void RunFolder::clear_leftovers() const {
  for (const char* within : {"", "checkpoint", "draws", "pictures"}) remove_leftovers(path_ / within);
}

std::optional<filesystem::path> RunFolder::put_in_place(const filesystem::path& leftover) {
  const filesystem::path built = real_name(leftover);
  const auto is_new_and_whole = [&] {
    const SwapMark mark = mark_of(built);
    return is_place_beside_a_run(built) && mark.role == SwapMark::Role::kNew && is_whole(built, mark);
  };
  if (!is_new_and_whole()) return std::nullopt;
  RunFolder held(built);
  if (!is_new_and_whole()) return std::nullopt;  // another process was first
  held.publish();
  return held.folder_;
}

std::filesystem::path normal_path(const std::filesystem::path& path) {
  const std::filesystem::path normal = path.lexically_normal();
  return normal.has_filename() || !normal.has_relative_path() ? normal : normal.parent_path();
}

std::filesystem::path rank_folder(const std::filesystem::path& run, int64_t rank) {
  if (rank < 0 || rank >= kMostRanks)
    throw SettingError("rank", fmt::format(" must be 0 ... {}, got {}", kMostRanks - 1, rank));
  return run / fmt::format("rank-{:04}", rank);
}

}  // namespace potluck
