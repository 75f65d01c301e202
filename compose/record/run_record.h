// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>

#include "compose/record/run_facts.h"

namespace potluck {

/// Writes run.json. @throws FileError
void write_record(const std::filesystem::path& folder, const RunFacts& facts);

/// @throws FileError where there is no run.json, it is not JSON, or what commands rely on in it is missing or of
/// another kind
RunFacts read_record(const std::filesystem::path& folder);

/// Writes the record of a run that failed: run.json as ever, or the last words where the disk has no room for it. What
/// fails here is not told, as the failure that is in `facts` is the one to know of.
void write_or_leave(const std::filesystem::path& folder, const RunFacts& facts) noexcept;

}  // namespace potluck
