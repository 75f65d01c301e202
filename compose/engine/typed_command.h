// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "compose/record/new_run_facts.h"
#include "potluck/engine.h"

namespace potluck::engine {

/// The command that the record of a run has: as it was typed, or, where a program began the run, that which would begin
/// it. @param name "sample", "evidence" or "train"
potluck::TypedCommand command_of(const TypedCommand& typed, const std::string& name, const Composition& composition);

/// `environment`, or one without variables.
EnvironmentVariable environment_of(const Environment& environment);

}  // namespace potluck::engine
