// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "apps/terminal/command.h"
#include "compose/session/session.h"
#include "core/diagnostics/run_verdict.h"

namespace potluck {

/// run.json of a run or an estimate: what was asked, with what it was done, and how it ended. Keys stand in the order
/// of reading.
using RunRecord = nlohmann::ordered_json;

/// The record of a run that begins: everything but its end. `state` is "running".
RunRecord open_record(const Session& session, const Words& command, const std::vector<std::string>& pictures);

/// Adds on what and with what anything was done: device, machine, variables, experts, plugins, files, the composition,
/// warnings.
void add_surroundings(RunRecord& record, const Session& session);

/// What the energies of one replica of every ladder were, and their R-hat.
RunRecord record_of(const LadderEnergies& energies);

/// What is known where the chains have their starts, and again where sampling begins, so that it is on the disk
/// whatever ends the process.
void note_beginning(RunRecord& record, const Beginning& beginning);

/// Adds what a run that ended has to say. `state` becomes "done" or "interrupted".
void close_record(RunRecord& record, const RunSummary& run);

/// Adds the rule that ended a run before its steps were done: its time, or what it asked of convergence.
void note_rule(RunRecord& record, const Until& until, bool by_time);

/// What a record tells a verdict: of a run that was killed less than of one that was closed.
RunFigures figures_of(const RunRecord& record);

/// Adds the verdict and, to the warnings, its findings that are more than a note.
void add_verdict(RunRecord& record, const RunVerdict& verdict);

/// For a run that an error ended. `state` becomes "failed".
void fail_record(RunRecord& record, const std::string& error);

/// @throws FileError
void write_record(const std::filesystem::path& folder, const RunRecord& record);
/// @throws FileError where there is no run.json, or it is not JSON
RunRecord read_record(const std::filesystem::path& folder);

/// Writes the record of a run that failed: run.json as ever, or the last words where the disk has no room for it. What
/// fails here is not told, as the failure that is in `record` is the one to know of.
void write_or_leave(const std::filesystem::path& folder, const RunRecord& record) noexcept;

/// "2026-11-23T01:17:06Z"
std::string time_now();

/// The text of a composition that came through a pipe; nothing where it is a file.
std::optional<std::string> piped_text(const RunRecord& record);

}  // namespace potluck
