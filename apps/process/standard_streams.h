// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdio>

namespace potluck {

/// Makes what can go wrong in printing harmless: a terminal that is gone, a full disk under a log, a reader that ended.
/// From here on printing to stdout and stderr never fails, so that it ends no run and changes none. What could not be
/// printed to stdout is remembered, for commands whose whole work is what they print.
///
/// A standard stream that is closed gets a descriptor that takes nothing: else the next file that is opened, such as
/// the draws, would have its number and get what is printed. SIGPIPE is ignored.
///
/// Once, at the beginning of the process; it holds until its end.
void guard_standard_streams();

/// Prints what is still held back. @returns the error number of the first failure to print to stdout; 0: none
int unprinted_output();

/// The descriptor of a stream, also of a guarded one. -1: it has none.
int descriptor_of(std::FILE* stream);

}  // namespace potluck
