// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <exception>
#include <string>
#include <vector>

#include "apps/process/exit_code.h"
#include "potluck/engine.h"

namespace potluck {

/// Prints what was thrown, once, to stderr: `file:line:column: …` a line for each mistake in a composition,
/// `potluck: error: …` for everything else.
ExitCode report_failure(std::exception_ptr thrown);

/// Prints an error for each, and how to make them. Returns the exit code.
int report_not_made(const std::vector<engine::NotMade>& not_made, const std::string& how);

/// For std::set_terminate(): says in one line why the process cannot go on, leaves the last words of a run, and ends
/// with exit code 1. Needs no memory, and none of what static initialisers make: it can be set before they run.
[[noreturn]] void end_with_words() noexcept;

}  // namespace potluck
