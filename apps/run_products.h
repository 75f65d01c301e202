// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "core/files/summary.h"

namespace potluck {

/// Makes what people read of the draws in `<folder>/draws`: draws.nc, summary.json and pictures/. The same for a run
/// that ended, was interrupted or was killed. `say` hears what is being made.
/// @param pictures  names of variables
/// @throws FileError
DrawsSummary write_run_products(const std::filesystem::path& folder, const std::vector<std::string>& pictures,
                                const std::function<void(const std::string&)>& say);

/// What is worth a warning: chains that froze, draws that were lost, chains that do not agree, too few effective draws.
std::vector<std::string> warnings_of(const DrawsSummary& summary);

/// "R-hat at most 1.003, effective sample size at least 812"
std::string convergence_text(const DrawsSummary& summary);

}  // namespace potluck
