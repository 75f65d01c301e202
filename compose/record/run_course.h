// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>

#include "compose/record/run_facts.h"
#include "core/diagnostics/run_verdict.h"
#include "core/sampling/run/observer.h"
#include "core/sampling/run/run_summary.h"

namespace potluck {

// What happens to the facts of a run on its way.

/// "2026-11-23T01:17:06Z"
std::string time_now();

/// Notes where `run` is, as seen from it the folder in which the command was typed.
void note_folder(TypedCommand& command, const std::filesystem::path& run);

/// What is known where the chains have their starts, and again where sampling begins, so that it is on the disk
/// whatever ends the process.
void note_beginning(RunFacts& facts, const Beginning& beginning);

/// What a run that ended has to say. Its state becomes "done" or "interrupted".
void note_end(RunFacts& facts, const RunSummary& run);

/// The rule that ended a run before its steps were done: its time, or what it asked of convergence.
void note_rule(RunFacts& facts, const Until& until, bool by_time);

/// How many draws were exported of a run that had not ended.
void note_exported(RunFacts& facts, int64_t draws);

/// The verdict and, to the warnings, its findings that are more than a note.
void note_verdict(RunFacts& facts, const RunVerdict& verdict);

/// For a run that an error ended. Its state becomes "failed".
void note_failure(RunFacts& facts, const std::string& error);

/// What the facts tell a verdict: of a run that was killed less than of one that ended.
RunFigures figures_of(const RunFacts& facts);

}  // namespace potluck
