// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <functional>
#include <string>

#include "compose/record/run_products.h"

namespace potluck {

struct ExportOutcome {
  RunProducts products;
  bool goes_on = false;  ///< another process goes on with the run: these are its draws so far
};

/// Makes draws.nc, the summary and the pictures of the draws that a run left in its folder, for example one that was
/// killed. Files that are there already are made anew; a draws.nc with more draws than can be read now stays. A damaged
/// draws.nc may crash its reader, so a child process looks at it: call it before threads are started.
/// @param say  hears what is being made
/// @throws FileError where there is no run, nothing to export, or a draws.nc that is worth more than a new one
ExportOutcome export_run(const std::filesystem::path& folder, const std::function<void(const std::string&)>& say);

}  // namespace potluck
