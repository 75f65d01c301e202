// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <vector>

namespace potluck {

/// What is in the folder of a run and no command of ours makes there, as paths from the folder, in order: somebody's
/// notes, or another run.
std::vector<std::filesystem::path> foreign_files(const std::filesystem::path& run);

/// Moves them to the same places in the folder `to`. @returns whether all of them are there now; a place that is taken,
/// or a disk that refuses, leaves them where they were.
bool carry_foreign_files(const std::filesystem::path& run, const std::filesystem::path& to);

}  // namespace potluck
