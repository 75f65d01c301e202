// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "apps/terminal/command_line.h"
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
/// The same with other changes than these. An earlier run that is gone on with reads it.
/// @param earlier  or null
engine::Composition read_composition(const CommandLine& line, engine::Plugins& plugins,
                                     const engine::Overrides& overrides, const engine::EarlierRun* earlier);

}  // namespace potluck
