// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "apps/terminal/command_line.h"
#include "potluck/engine.h"

namespace potluck {

/// The command as it is typed here and now.
engine::TypedCommand typed_command(const std::string& name, const Words& words);

/// Adds --resume and --project.
void add_resume_options(CommandLine& line, const std::string& folder_name);

/// Where the run that `line` is to go on with is whole, and was only not put in its place by the process that drew it:
/// does that and says so. @returns whether it was
bool only_to_be_put_in_place(const CommandLine& line, const engine::Ranks* ranks);

/// The run that `line` is to go on with. Gives `line` the words that it was begun and resumed with; their relative
/// paths are of the folder in which they were typed: --project, else where that folder is from the run, else where it
/// was. A rank that nobody told is that of the run.
/// @param kind   that of the command of `line`
/// @param ranks  null: the command is one process
/// @throws engine::Error where it is not a run of that kind, has no checkpoint, is held by another process, or the
///   composition is not found
engine::EarlierRun earlier_run(CommandLine& line, engine::EarlierRun::Kind kind, engine::Ranks* ranks);

}  // namespace potluck
