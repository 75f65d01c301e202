// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "compose/record/run_folder.h"
#include "compose/record/run_products.h"
#include "compose/session/ranks.h"
#include "core/files/run/draws.h"
#include "core/sampling/run/run_summary.h"

namespace potluck {

// What `potluck sample` prints where a run ends.

void print_report(const RunSummary& run, const RunProducts& products, int64_t chains, double seconds,
                  const std::filesystem::path& folder, const std::vector<std::string>& warnings);

/// Of one of several processes that share a run.
void print_rank_report(const RunSummary& run, const Ranks& ranks, const DrawsSchema& schema, double seconds,
                       const std::filesystem::path& folder);

/// Of a run that was interrupted before its first draw.
void print_nothing_drawn(const RunSummary& run, double seconds, const RunFolder& folder,
                         const std::filesystem::path& wanted);

/// Of a run that was to take the place of another and was interrupted: the older one has draws that this one has not.
void print_both_are_there(const RunFolder& folder, const std::filesystem::path& wanted, int64_t steps);

/// How the files are made that could not be made where a run ended.
std::string how_to_make(const RunFolder& folder);

}  // namespace potluck
