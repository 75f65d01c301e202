// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "core/files/run/draws.h"

namespace potluck {

/// Lays out what is written where a run ends, and leaves nothing: a folder or name that those files cannot have is
/// found before the first step.
/// @param folder    of the run, which is there
/// @param pictures  names of variables
/// @throws FileError as the files at the end would
void rehearse_run_products(const std::filesystem::path& folder, const DrawsSchema& schema,
                           const std::vector<std::string>& pictures);

}  // namespace potluck
