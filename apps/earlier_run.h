// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>

#include "apps/command_line.h"
#include "apps/ranks.h"
#include "apps/run_record.h"
#include "core/files/checkpoint_file.h"

namespace potluck {

/// What `potluck sample --resume` or `potluck evidence --resume` goes on with: its folder, record and checkpoint.
class EarlierRun {
 public:
  /// Reads them, gives `line` the words that the run was begun and resumed with, and moves to the folder in which it
  /// was begun, so that their relative paths mean the same. A rank that nobody told is that of the run.
  /// @param ranks  null: the command is one process
  /// @throws FileError where it is not a run of the command of `line`, or has no checkpoint
  EarlierRun(CommandLine& line, const Words& words, Ranks* ranks);

  const std::filesystem::path& folder() const { return folder_; }
  const Checkpoint& checkpoint() const { return checkpoint_; }
  const RunRecord& record() const { return record_; }

  /// Carries over what `record`, which was opened anew, does not know: when and how the run was begun, and resumed.
  void carry_over(RunRecord& record) const;

  /// @throws FileError with all that differs between what the checkpoint belongs to and `record`, and `instead`: what
  /// else could be done
  void check_belonging(const RunRecord& record, const std::string& instead) const;
  /// @throws SettingError where all steps that `record` asks for are done
  void check_steps(const RunRecord& record) const;

 private:
  std::filesystem::path folder_;
  RunRecord record_;
  Checkpoint checkpoint_;
  Words command_;
};

}  // namespace potluck
