// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "core/files/formats/atomic_file.h"

namespace potluck {

/// Writes a .npz file, as numpy.load reads it: a zip archive of .npy files that are stored, not compressed (PKWARE's
/// APPNOTE 6.3.10, with lengths of 64 bits). All arrays grow side by side, in memory that does not grow with them:
/// their lengths are known beforehand, so each has its place. The file appears whole or not at all.
class NpzWriter {
 public:
  struct Member {
    std::string name;  ///< without .npy
    std::string type;  ///< as npy_type() names it, or "<U7" of texts of 7 characters
    std::vector<int64_t> shape;
  };

  /// @throws FileError, as all members do
  NpzWriter(const std::filesystem::path& file, const std::vector<Member>& members);

  /// The next bytes of an array: numbers in C order.
  void append(size_t member, const void* bytes, size_t count);

  /// Closes and renames to the final name. Every array must be whole.
  void finish();

 private:
  struct Entry {
    std::string name;
    uint64_t begin = 0;  ///< of its header in the archive
    uint64_t bytes = 0;  ///< of the .npy file
    uint64_t done = 0;
    uint32_t crc = 0;
  };
  uint64_t contents_of(const Entry& entry) const;  ///< where they begin

  AtomicFile target_;
  std::vector<Entry> entries_;
  uint64_t end_ = 0;  ///< of the last entry
};

}  // namespace potluck
