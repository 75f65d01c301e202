// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "apps/terminal/command_line.h"
#include "compose/session/session.h"
#include "potluck/engine.h"

namespace potluck {

/// Adds the options that a session takes: --set, --given, --seed, --precision, --device, --threads.
void add_session_options(CommandLine& line);
/// What these options change in the composition. @throws UsageError
engine::Overrides overrides_of(const CommandLine& line);
/// Where they say that it is to be evaluated. @throws UsageError, engine::Error
engine::Machine machine_of(const CommandLine& line);
/// Reads the composition that the line names, with what these options change. @throws UsageError, engine::Error
engine::Composition composition_of(const CommandLine& line, engine::Plugins& plugins);
/// The same for what is inside the engine. @throws UsageError
SessionOptions session_options(const CommandLine& line);

}  // namespace potluck
