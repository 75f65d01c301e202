// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <exception>
#include <filesystem>
#include <functional>
#include <string>

#include "core/error.h"

namespace potluck {

/// The machine cannot take what is written to a file: a full disk or quota, a limit on the size of files, a device that
/// fails, a folder that may not be written. Nothing is wrong with what was asked for. Exit code 1.
class WriteError : public FileError {
 public:
  using FileError::FileError;
};

/// @param error   of errno, from a call that makes, writes, syncs or renames `file`
/// @param advice  where it is none of those that WriteError is for
/// @throws WriteError or FileError: "FILE: must be a file that can be written, got 'No space left on device'. ..."
[[noreturn]] void fail_to_write(const std::filesystem::path& file, int error, const std::string& advice);

/// The same with a text of one's own: "TEXT. ADVICE", or what gets the machine more in place of the advice.
[[noreturn]] void fail_with(int error, const std::string& text, const std::string& advice);

/// After a call that was to open or read `file`, and failed with `error` of errno: returns where that says something of
/// the file, such as that there is none.
/// @throws MachineError where it says something of this process: "FILE: must be readable, got 'Too many open files'.
/// ..."
void blame_machine(const std::filesystem::path& file, int error);

/// What the standard library throws of a file or folder, as an error of ours: a WriteError or FileError that names it.
std::exception_ptr file_error_of(const std::filesystem::filesystem_error& error);

/// For a handler of what work with files threw: throws it again, of the same kind, with what `tell` makes of its text.
/// What was no error of a file becomes one.
[[noreturn]] void throw_again(const std::function<std::string(const std::string& text)>& tell);

}  // namespace potluck
