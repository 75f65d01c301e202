// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>

#include "core/error.h"

namespace potluck {

/// The machine cannot take what is written to a file: a full disk or quota, a limit on the size of files, a device that
/// fails. Nothing is wrong with what was asked for. Exit code 1.
class WriteError : public FileError {
 public:
  using FileError::FileError;
};

/// @param error   of errno, from a call that makes, writes, syncs or renames `file`
/// @param advice  where it is none of those that WriteError is for
/// @throws WriteError or FileError: "FILE: must be a file that can be written, got 'No space left on device'. ..."
[[noreturn]] void fail_to_write(const std::filesystem::path& file, int error, const std::string& advice);

}  // namespace potluck
