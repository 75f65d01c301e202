// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "core/files/run/draws_pass.h"

namespace potluck {

/// Writes `<folder>/<variable>-chains.png` (the last draw of the first 64 chains), `-mean.png` and `-sd.png` (over all
/// draws of the chains that are not frozen at the end). Black and white are the ends of the variable's support, else
/// the 1 % and 99 % quantiles of the last draws; of the sd, 0 and the largest sd of a free pixel. They stand in the
/// files' text under "black" and "white".
/// @param run_folder  for errors
/// @param written     gets their names
/// @throws SettingError where the variable is not recorded or its shape is no picture's
std::unique_ptr<DrawsConsumer> pictures_of(const DrawsSchema& schema, const DrawsEnd& end,
                                           const std::filesystem::path& run_folder, const std::string& variable,
                                           const std::filesystem::path& folder,
                                           std::vector<std::filesystem::path>* written = nullptr);

/// The same of all draws that can be read; returns their names. @throws FileError, SettingError
std::vector<std::filesystem::path> write_pictures(const std::filesystem::path& run_folder, const std::string& variable,
                                                  const std::filesystem::path& folder);

}  // namespace potluck
