// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "apps/record/run_folder.h"
#include "apps/record/run_record.h"
#include "apps/terminal/command_line.h"
#include "compose/session/ranks.h"
#include "core/files/run/checkpoint_file.h"
#include "core/state_archive.h"

namespace potluck {

/// Adds --resume and --project.
void add_resume_options(CommandLine& line, const std::string& folder_name);

/// Notes in `record` where a command was typed that writes to `run`: the folder as such, and from the run, so that a
/// project that is moved with its runs is found again.
void note_folder(RunRecord& record, const std::filesystem::path& typed_in, const std::filesystem::path& run);

/// Where the run that `line` is to go on with is whole, and was only not put in its place by the process that drew it:
/// does that and says so. @returns whether it was
bool only_to_be_put_in_place(const CommandLine& line, const Ranks* ranks);

/// A checkpoint whose state cannot be gone on with.
class CheckpointError : public FileError {
 public:
  using FileError::FileError;
};

/// What `potluck sample --resume` or `potluck evidence --resume` goes on with: its folder, which is held, its record
/// and its checkpoint.
class EarlierRun {
 public:
  /// Reads them, and gives `line` the words that the run was begun and resumed with. Their relative paths are of the
  /// folder in which they were typed: --project, else where that folder is from the run, else where it was. A rank that
  /// nobody told is that of the run.
  /// @param ranks  null: the command is one process
  /// @throws FileError where it is not a run of the command of `line`, has no checkpoint, or the composition is not
  ///   found; FolderInUse
  EarlierRun(CommandLine& line, const Words& words, Ranks* ranks);

  const std::filesystem::path& path() const { return path_; }
  const Checkpoint& checkpoint() const { return checkpoint_; }
  const RunRecord& record() const { return record_; }

  /// The folder, which is then held by who has it.
  std::unique_ptr<RunFolder> take_folder() { return std::move(folder_); }

  /// Carries over what `record`, which was opened anew, does not know: when, where and how the run was begun, and
  /// resumed.
  void carry_over(RunRecord& record) const;

  /// @throws FileError with all that differs between what the checkpoint belongs to and `record`, which carry_over()
  /// was called for, and `instead`: what else could be done
  void check_belonging(const RunRecord& record, const std::string& instead) const;
  /// @throws SettingError where all steps that `record` asks for are done
  void check_steps(const RunRecord& record) const;
  /// Calls `work`, which takes up the state of the checkpoint. @throws CheckpointError with its file, for a StateError
  template <class Work>
  auto naming_its_checkpoint(const Work& work) const {
    try {
      return work();
    } catch (const StateError& error) {
      throw CheckpointError(checkpoint_file(path_).string() + ": " + error.what());
    }
  }

 private:
  std::filesystem::path path_;
  std::unique_ptr<RunFolder> folder_;
  RunRecord record_;
  Checkpoint checkpoint_;
  Words command_;
  std::filesystem::path begun_in_;  ///< as it is called now
};

}  // namespace potluck
