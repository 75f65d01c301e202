// SPDX-License-Identifier: Apache-2.0
#include "core/files/formats/write_error.h"

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

void fail_with(int error, const std::string& text, const std::string& advice) {
  const char* help = what_helps(error);
  if (help != nullptr) throw WriteError(text + ". " + help);
  if (error == EACCES || error == EPERM || error == EROFS) throw WriteError(text + ". " + advice);
  throw FileError(text + ". " + advice);
}

void blame_machine(const std::filesystem::path& file, int error) {
  if (error != EMFILE && error != ENFILE && error != ENOMEM) return;
  throw MachineError(
      fmt::format("{}: must be readable, got '{}'. {}", file.string(), std::strerror(error), what_helps(error)));
}

void fail_to_write(const std::filesystem::path& file, int error, const std::string& advice) {
  fail_with(error, fmt::format("{}: must be a file that can be written, got '{}'", file.string(), std::strerror(error)),
            advice);
}

std::exception_ptr file_error_of(const std::filesystem::filesystem_error& error) {
  std::string name = error.path1().string();
  if (!error.path2().empty()) name += " (to be " + error.path2().string() + ")";
  try {
    fail_with(error.code().value(),
              fmt::format("{}: must be within reach of this command, got '{}'", name, error.code().message()),
              "Check the name, and who may read and write there");
  } catch (const FileError&) {
    return std::current_exception();
  }
}

void throw_again(const std::function<std::string(const std::string&)>& tell) {
  try {
    try {
      throw;
    } catch (const std::filesystem::filesystem_error& error) {
      std::rethrow_exception(file_error_of(error));
    }
  } catch (const WriteError& error) {
    throw WriteError(tell(error.what()));
  } catch (const std::exception& error) {
    throw FileError(tell(error.what()));
  }
}

}  // namespace potluck
