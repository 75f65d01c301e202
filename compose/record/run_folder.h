// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <vector>

#include "compose/record/folder_lock.h"

namespace potluck {

/// The folder that a run is written to, which this process holds until the object is gone.
///
/// A new run is written in place, so that a killed one can be exported from where it was meant to be. One that takes
/// the place of the older run NAME is built beside it, in `.NAME.potluck-new`, and swapped in once it has ended.
/// `swap.json` says what part a folder has in a swap; a folder without it has none. The swap, all of it under the locks
/// of both:
///
///   1. `.NAME.potluck-new` is made and says {"role": "new", "of": "NAME", "whole": false}.
///   2. The run is written and ends. All of it is synced to the disk; then the folder says "whole": true.
///   3. NAME says {"role": "old"}.
///   4. The two names are exchanged at once. Where the file system cannot, NAME is renamed to `.NAME.potluck-old` and
///   the
///      new run to NAME.
///   5. NAME loses its swap.json. The older run is deleted, its swap.json last.
///
/// A process that is killed, or a machine that stops, leaves one of these:
///
///   swap.json of .NAME.potluck-new       it is                what becomes of it
///   none, and nothing in it              killed in 1.         deleted
///   new, not whole, run.json not "done"  new and unfinished   stays: --resume of it goes on and swaps it in at the end
///   new, and whole or "done"             new and whole        3. to 5. are done
///   old                                  the older run        deleted
///
/// The next process that holds NAME (to write or export it) does what stands there; --resume of `.NAME.potluck-new`
/// does it too, but refuses an older run. Where something new and unfinished has draws or a checkpoint, nothing else is
/// begun under NAME, in place or beside. An older run without a new one keeps its name.
class RunFolder {
 public:
  /// For a new run. An output that is a symbolic link stays one: the folder that it leads to is meant.
  /// @throws FileError where the folder exists and `overwrite` is false, or holds something that is not a run, or
  ///   something unfinished is beside it; FolderInUse where another process holds it, or a run within it
  RunFolder(const std::filesystem::path& folder, bool overwrite);
  /// The folder of a run that goes on, or is read and completed, which stays whatever happens; one that was being built
  /// beside an older run is swapped in by publish(). @throws FolderInUse; FileError for an older run that was replaced
  explicit RunFolder(const std::filesystem::path& earlier);
  /// The same, but null where another process holds it.
  static std::unique_ptr<RunFolder> if_free(const std::filesystem::path& earlier);
  /// Removes what was built unless it was kept.
  ~RunFolder();
  RunFolder(const RunFolder&) = delete;
  RunFolder& operator=(const RunFolder&) = delete;

  /// Where the run's files are now.
  const std::filesystem::path& path() const { return path_; }
  /// Where they are once what is built is published.
  const std::filesystem::path& wanted() const { return folder_; }
  /// Whether an older run stands under the wanted name.
  bool replaces() const { return path_ != folder_; }
  /// What was built stays where it is, in place or beside.
  void keep() { kept_ = true; }
  /// What was built stands under the wanted name, and the older run is gone.
  /// @throws FileError; what was built then stays beside, and the older run where it was
  void publish();
  /// Deletes temporary files that killed processes left in the folder.
  void clear_leftovers() const;

  /// Where `leftover` is a new and whole run that a kill left beside an older one: swaps it in.
  /// @returns where it is now; none: it is something else, and nothing was done. @throws FolderInUse
  static std::optional<std::filesystem::path> put_in_place(const std::filesystem::path& leftover);

 private:
  void begin(const std::filesystem::path& given, bool overwrite);
  void hold(const std::filesystem::path& folder);
  void settle();
  void swap_in(const std::filesystem::path& built);

  std::filesystem::path folder_;  ///< as wanted
  std::filesystem::path path_;
  bool kept_ = false;
  std::vector<FolderLock> locks_;
};

/// Lexically normal, without a slash at its end.
std::filesystem::path normal_path(const std::filesystem::path& path);

inline constexpr int64_t kMostRanks = 9999;  ///< of a run: their folders have four digits

/// `<run>/rank-0001`. @throws SettingError for a rank that no run has
std::filesystem::path rank_folder(const std::filesystem::path& run, int64_t rank);

}  // namespace potluck
