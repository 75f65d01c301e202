// SPDX-License-Identifier: Apache-2.0
#include "core/files/write_error.h"

#include <fmt/core.h>

#include <cerrno>
#include <cstring>

namespace potluck {

namespace {

/// What the machine lacks, and how it gets more; null for errors that are not of this kind.
const char* what_helps(int error) {
  switch (error) {
    case ENOSPC:
      return "Free space on this disk";
    case EDQUOT:
      return "Free space in your quota on this disk";
    case EFBIG:
      return "Raise the limit on the size of files (ulimit -f)";
    case EMFILE:
    case ENFILE:
      return "Raise the limit on open files (ulimit -n)";
    case EIO:
      return "The disk fails: write to another one";
    case ENOMEM:
      return "Close other programs, or raise the limits on memory";
    default:
      return nullptr;
  }
}

}  // namespace

void fail_to_write(const std::filesystem::path& file, int error, const std::string& advice) {
  const char* help = what_helps(error);
  const std::string text = fmt::format("{}: must be a file that can be written, got '{}'. {}", file.string(),
                                       std::strerror(error), help != nullptr ? help : advice);
  if (help != nullptr) throw WriteError(text);
  throw FileError(text);
}

}  // namespace potluck
