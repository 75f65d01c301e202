// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>

namespace potluck {

/// A file read front to back, where running out of bytes is an error that says what is missing.
class BinaryInput {
 public:
  /// @throws FileError where it is not a file that can be read.
  explicit BinaryInput(const std::filesystem::path& file);

  const std::string& name() const { return name_; }
  uint64_t size() const { return size_; }
  uint64_t left() const { return left_; }
  /// `what` names the bytes in the error: "<file>: <what> must have 8 bytes, got 3. The file is cut short".
  void read(void* to, uint64_t count, const char* what);
  void skip(uint64_t count, const char* what);
  std::FILE* stream() { return stream_.get(); }

 private:
  void demand(uint64_t count, const char* what) const;

  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  std::string name_;
  std::unique_ptr<std::FILE, Close> stream_;
  uint64_t size_ = 0;
  uint64_t left_ = 0;
};

/// @throws FileError "<file>: must be a file, got nothing there. Check its name" and the like.
void require_file(const std::filesystem::path& file);

}  // namespace potluck
