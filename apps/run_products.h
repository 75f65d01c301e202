// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "core/diagnostics/run_verdict.h"
#include "core/files/summary.h"

namespace potluck {

/// What is made of a run's draws beside the files.
struct RunProducts {
  DrawsSummary summary;
  RunVerdict verdict;
};

/// Makes what people read of the draws in `<folder>/draws`: draws.nc, summary.json and pictures/. The same for a run
/// that ended, was interrupted or was killed. `say` hears what is being made.
/// @param pictures  names of variables
/// @param run       what is known of the run but for its draws, for the verdict
/// @throws FileError
RunProducts write_run_products(const std::filesystem::path& folder, const std::vector<std::string>& pictures,
                               const RunFigures& run, const std::function<void(const std::string&)>& say);

/// "R-hat at most 1.003, effective sample size at least 812"
std::string convergence_text(const DrawsSummary& summary);

/// "Branch far: 0.000 of the draws, weight 0.9.": a line for each of the first branches of the mixtures.
std::vector<std::string> branch_texts(const DrawsSummary& summary);

}  // namespace potluck
