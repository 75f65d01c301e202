// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdio>

namespace potluck {

/// Makes what can go wrong in printing harmless: a terminal that is gone, a full disk under a log, a reader that ended.
/// From here on printing to stdout and stderr never fails, so that it ends no run and changes none. What could not be
/// printed to stdout is remembered, for commands whose whole work is what they print.
///
/// A standard stream that is closed gets a descriptor that takes nothing: else the next file that is opened, such as
/// the draws, would have its number and get what is printed. SIGPIPE is ignored.
///
/// What is printed goes to duplicates of the two descriptors, far from the numbers that files get: a plugin that closes
/// 1 and 2 can still be told of on the screen, and no file that is opened then gets what is printed.
///
/// Once, at the beginning of the process; it holds until its end.
void guard_standard_streams();

/// Prints what is still held back. @returns the error number of the first failure to print to stdout; 0: none
int unprinted_output();

/// Writes all of `text` to stderr as far as that is possible, where no stdio may be used. Signal-safe.
void write_to_errors(const char* text, size_t count) noexcept;

/// The descriptor of a stream, also of a guarded one. -1: it has none.
int descriptor_of(std::FILE* stream);

}  // namespace potluck
