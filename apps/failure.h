// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <exception>

#include "apps/exit_code.h"

namespace potluck {

/// Prints what was thrown, once, to stderr: `file:line:column: …` a line for each mistake in a composition,
/// `potluck: error: …` for everything else.
ExitCode report_failure(std::exception_ptr thrown);

}  // namespace potluck
