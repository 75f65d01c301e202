// SPDX-License-Identifier: Apache-2.0
#include "core/files/formats/binary_input.h"

#include <fmt/core.h>

#include <cerrno>
#include <cstring>
#include <system_error>

#include "core/error.h"
#include "core/files/formats/write_error.h"

namespace potluck {

void require_file(const std::filesystem::path& file) {
  std::error_code error;
  const std::filesystem::file_status status = std::filesystem::status(file, error);
  if (status.type() == std::filesystem::file_type::not_found) {
    throw FileError(fmt::format("{}: must be a file, got nothing there. Check its name", file.string()));
  }
  if (status.type() == std::filesystem::file_type::directory) {
    throw FileError(fmt::format("{}: must be a file, got a folder. Name a file in it", file.string()));
  }
}

BinaryInput::BinaryInput(const std::filesystem::path& file) : name_(file.string()) {
  require_file(file);
  stream_.reset(std::fopen(name_.c_str(), "rb"));
  if (!stream_) {
    const int reason = errno;
    blame_machine(file, reason);
    throw FileError(fmt::format("{}: must be readable, got '{}'. Check its permissions", name_, std::strerror(reason)));
  }
  std::error_code error;
  size_ = std::filesystem::file_size(file, error);
  if (error) throw FileError(fmt::format("{}: must have a size, got '{}'", name_, error.message()));
  left_ = size_;
}

void BinaryInput::demand(uint64_t count, const char* what) const {
  if (count > left_) {
    throw FileError(fmt::format("{}: {} must have {} bytes, got {}. The file is cut short", name_, what, count, left_));
  }
}

void BinaryInput::read(void* to, uint64_t count, const char* what) {
  demand(count, what);
  const size_t got = count == 0 ? 0 : std::fread(to, 1, count, stream_.get());
  if (got != count) {
    throw FileError(fmt::format("{}: {} must have {} bytes, got {}. Reading the file failed", name_, what, count, got));
  }
  left_ -= count;
}

void BinaryInput::skip(uint64_t count, const char* what) {
  demand(count, what);
  if (fseeko(stream_.get(), static_cast<off_t>(count), SEEK_CUR) != 0) {
    throw FileError(fmt::format("{}: {} must be reachable, got '{}'", name_, what, std::strerror(errno)));
  }
  left_ -= count;
}

}  // namespace potluck
