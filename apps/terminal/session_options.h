// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "apps/terminal/command_line.h"
#include "compose/session/session.h"

namespace potluck {

/// Adds the options that a session takes: --set, --given, --seed, --precision, --device, --threads.
void add_session_options(CommandLine& line);
/// @throws UsageError
SessionOptions session_options(const CommandLine& line);

}  // namespace potluck
