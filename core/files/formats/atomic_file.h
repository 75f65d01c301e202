// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string_view>

namespace potluck {

/// A file that appears under its name whole or not at all: written under a temporary name in the same folder, which
/// is synced to disk and renamed by commit(). Without a commit the temporary file is removed and what stood under the
/// name before stays.
class AtomicFile {
 public:
  /// Creates the temporary file. @throws FileError where the folder is missing or cannot be written.
  explicit AtomicFile(std::filesystem::path file);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  /// For libraries that write by name: they may overwrite this file before commit().
  const std::filesystem::path& temporary() const { return temporary_; }

  void write(const void* bytes, size_t count);
  /// Bytes at a place of their own. What write() writes comes where it would without this.
  void write_at(uint64_t place, const void* bytes, size_t count);
  /// At most once. @throws FileError, and then the file did not appear.
  void commit();

 private:
  std::filesystem::path file_;
  std::filesystem::path temporary_;
  int descriptor_ = -1;
  bool committed_ = false;
};

void write_whole_file(const std::filesystem::path& file, std::string_view contents);

/// Renames a file or a folder; a file of the new name is replaced. @throws FileError
void give_name(const std::filesystem::path& from, const std::filesystem::path& to);

/// Whether `file` has the name of a temporary file of an AtomicFile, such as a killed process leaves.
bool is_leftover(const std::filesystem::path& file);

/// Deletes those in `folder`. Only for a folder that no other process writes to.
void remove_leftovers(const std::filesystem::path& folder);

/// Asks the disk to keep what the folder lists. @throws FileError
void sync_folder(const std::filesystem::path& folder);

/// The same for all files and folders in it, and their contents. Symbolic links are not followed. @throws FileError
void sync_tree(const std::filesystem::path& folder);

}  // namespace potluck
