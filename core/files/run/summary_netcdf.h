// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>

#include "core/files/run/draws.h"
#include "core/files/run/summary.h"

namespace potluck {

/// Writes every figure of every number: a group a figure (kSummaryFigures), and in it each recorded variable in its
/// shape, NaN where a number is given, or where it was not diagnosed. @throws FileError
void write_summary_netcdf(const DrawsSummary& summary, const std::filesystem::path& file);

/// Lays out the file that a summary of draws of `schema` goes to, and leaves none. @throws FileError as
/// write_summary_netcdf would
void check_summary_netcdf(const DrawsSchema& schema, const std::filesystem::path& file);

}  // namespace potluck
