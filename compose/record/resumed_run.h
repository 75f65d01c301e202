// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "compose/record/run_facts.h"
#include "compose/record/run_folder.h"
#include "core/error.h"
#include "core/files/run/checkpoint_file.h"
#include "core/state_archive.h"

namespace potluck {

/// A checkpoint whose state cannot be gone on with.
class CheckpointError : public FileError {
 public:
  using FileError::FileError;
};

/// What `potluck sample --resume` or `potluck evidence --resume` goes on with: its folder, which is held, what is known
/// of it, and its checkpoint.
class ResumedRun {
 public:
  /// Reads them.
  /// @param run      absolute
  /// @param command  "sample" or "evidence": that which is to go on
  /// @throws FileError where it is not a run of that command, or has no checkpoint; FolderInUse
  ResumedRun(const std::filesystem::path& run, const std::string& command);

  const std::filesystem::path& path() const { return path_; }
  const Checkpoint& checkpoint() const { return checkpoint_; }
  const RunFacts& facts() const { return facts_; }

  /// The folder, which is then held by who has it.
  std::unique_ptr<RunFolder> take_folder() { return std::move(folder_); }

  /// A command as it was typed, and the folder in which it was, as that is called now.
  struct Words {
    std::vector<std::string> words;
    std::filesystem::path folder;
  };
  /// Those that the run was begun and resumed with, in their order. Folders are: `told`, else where the folder is from
  /// the run, else where it was.
  /// @param told  by who resumes, absolute; none: it is looked for
  /// @throws FileError where the composition is not found
  std::vector<Words> find_words(const std::optional<std::filesystem::path>& told);

  /// Carries over what `facts`, which are of the run as it is opened anew, do not know: when, where and how the run was
  /// begun, and resumed. Their command is the present one. The folder in which the run was begun is where find_words()
  /// found it, or was.
  void carry_over(RunFacts& facts) const;

  /// @throws FileError with all that differs between the identity in the checkpoint and that of `facts`, which
  /// carry_over() was called for, and `instead`: what else could be done
  void check_identity(const RunFacts& facts, const std::string& instead) const;
  /// What else could be done with a run of draws that is not resumed as it was begun.
  std::string how_to_start_another() const;
  /// @throws SettingError where all steps that `facts` ask for are done
  void check_steps(const RunFacts& facts) const;
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
  RunFacts facts_;
  Checkpoint checkpoint_;
  std::filesystem::path begun_in_;  ///< as it is called now
};

}  // namespace potluck
