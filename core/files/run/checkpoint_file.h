// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace potluck {

/// A run's state on disk, in `<run folder>/checkpoint/latest` (docs/long-runs.md).
struct Checkpoint {
  nlohmann::json belongs;        ///< what it is a checkpoint of
  int64_t draws = 0;             ///< that had been recorded
  std::vector<std::byte> state;  ///< of Observer::checkpointed
};

/// Replaces the checkpoint of a run. The one before stays until the new one is on the disk, whole. @throws FileError
void write_checkpoint(const std::filesystem::path& run_folder, const nlohmann::json& belongs, int64_t draws,
                      std::span<const std::byte> state);

/// @throws FileError where there is none, its SHA-256 does not agree, or its lengths are not those of the file
Checkpoint read_checkpoint(const std::filesystem::path& run_folder);

/// The bytes that its file would have.
std::string checkpoint_bytes(const nlohmann::json& belongs, int64_t draws, std::span<const std::byte> state);
/// @param where   what is read, which errors begin with: "a saved state"
/// @param advice  what they end with
/// @throws FileError as read_checkpoint()
Checkpoint checkpoint_of_bytes(std::string_view bytes, const std::string& where, const std::string& advice);

/// The file that a run's checkpoint is in.
std::filesystem::path checkpoint_file(const std::filesystem::path& run_folder);

/// Whether a run left a checkpoint.
bool has_checkpoint(const std::filesystem::path& run_folder);

}  // namespace potluck
