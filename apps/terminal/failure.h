// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <exception>

#include "apps/process/exit_code.h"

namespace potluck {

/// Prints what was thrown, once, to stderr: `file:line:column: …` a line for each mistake in a composition,
/// `potluck: error: …` for everything else.
ExitCode report_failure(std::exception_ptr thrown);

/// For std::set_terminate(): says in one line why the process cannot go on, leaves the last words of a run, and ends
/// with exit code 1. Needs no memory, and none of what static initialisers make: it can be set before they run.
[[noreturn]] void end_with_words() noexcept;

}  // namespace potluck
