// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <optional>
#include <vector>

#include "core/error.h"

namespace potluck {

/// Another process writes to a folder.
class FolderInUse : public FileError {
 public:
  explicit FolderInUse(const std::filesystem::path& folder);
};

/// The right to write to a folder: one process has it at a time, and it goes with the process, however that ends. It
/// belongs to the folder and not to its name, so that it holds where the folder is renamed.
class FolderLock {
 public:
  /// Nothing where another process has it, or this one has it already. Where the folder is not there or its file system
  /// knows no locks, it is granted: what is wrong with the folder is said where it is used.
  static std::optional<FolderLock> take(const std::filesystem::path& folder);

  /// Waits until no other process has it.
  static FolderLock wait(const std::filesystem::path& folder);

  FolderLock(FolderLock&& other) noexcept : descriptor_(other.descriptor_) { other.descriptor_ = -1; }
  FolderLock& operator=(FolderLock&&) = delete;
  ~FolderLock();

 private:
  explicit FolderLock(int descriptor) : descriptor_(descriptor) {}
  static std::optional<FolderLock> locked(const std::filesystem::path& folder, int how);

  int descriptor_;  ///< of the folder, locked; -1: none
};

/// Locks the folder and every run (a folder with run.json) below it. @throws FolderInUse
std::vector<FolderLock> lock_with_runs_below(const std::filesystem::path& folder);

}  // namespace potluck
