// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace potluck {

/// Writes `<folder>/<variable>-chains.png` (the last draw of the first 64 chains), `-mean.png` and `-sd.png` (over all
/// draws of the chains that are not frozen at the end) and returns their names. Black and white are the ends of the
/// variable's support, else the 1 % and 99 % quantiles of the last draws; of the sd, 0 and the largest sd of a free
/// pixel. They stand in the files' text under "black" and "white". Reads the draws twice, one in memory at a time.
/// @throws FileError; SettingError where the variable is not recorded or its shape is no picture's.
std::vector<std::filesystem::path> write_pictures(const std::filesystem::path& run_folder, const std::string& variable,
                                                  const std::filesystem::path& folder);

}  // namespace potluck
