// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "core/files/run/draws.h"
#include "core/files/run/draws_pass.h"

namespace potluck {

/// What an export wrote.
struct ArvizExport {
  int64_t draws = 0;
  std::string lost;  ///< what could not be read of the parts; empty when everything was
};

/// Writes the draws of a run as a NetCDF-4 file in ArviZ's InferenceData schema:
///   posterior      each recorded variable [chain, draw, its shape] in the run's precision
///   sample_stats   lp = -energy/T, energy, acceptance_rate, diverging (or frozen) [chain, draw],
///                  step (the same for all chains) [chain, draw], expert_energy [chain, draw, expert]
///   observed_data  each given variable; a partly given one has NaN where it is free
/// Attributes of each group: created_at, inference_library ("potluck"), inference_library_version; of the posterior
/// also method, seed, temperature, thin and warmup. Draws are gathered for a block of the file at a time: memory does
/// not grow with their number.
/// @param run_folder  for errors
/// @param level       of compression, 0 to 9
/// @throws FileError where there is no draw, or the file cannot be begun
std::unique_ptr<DrawsConsumer> arviz_netcdf(const DrawsSchema& schema, const DrawsEnd& end,
                                            const std::filesystem::path& run_folder, const std::filesystem::path& file,
                                            int level = 1);

/// The same of all draws that can be read. @throws FileError
ArvizExport write_arviz_netcdf(const std::filesystem::path& run_folder, const std::filesystem::path& file,
                               int level = 1);

/// Lays out the file that draws of `schema` go to, and leaves none: what NetCDF does not take is found before there are
/// draws. @throws FileError as write_arviz_netcdf would
void check_arviz_netcdf(const DrawsSchema& schema, const std::filesystem::path& file);

/// Names that no variable may have: of the dimensions of every group, and those that ArviZ's summaries of all versions
/// since 0.20 give to columns beside the variables.
const std::vector<std::string>& names_taken_by_arviz();

/// "image_dim_0": the name of an axis of a variable, which no other variable may have.
std::string arviz_dimension(const std::string& variable, size_t axis);

}  // namespace potluck
