// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>

namespace potluck {

inline constexpr const char* kMarkFile = "swap.json";

/// What swap.json says: what part a folder has where a new run takes the place of an older one (run_folder.h).
struct SwapMark {
  enum class Role : uint8_t { kNone, kNew, kOld } role = Role::kNone;
  bool whole = false;  ///< the new run has ended, and all of it is on the disk
};

/// kNone where there is no mark, or none that can be read.
SwapMark mark_of(const std::filesystem::path& folder);
/// @param wanted  whose place it is to take
void mark_new(const std::filesystem::path& folder, const std::filesystem::path& wanted, bool whole);
void mark_old(const std::filesystem::path& folder);
void unmark(const std::filesystem::path& folder);

/// A run is whole where its mark says so, or its record says that it was: then the process was killed before it could.
bool is_whole(const std::filesystem::path& folder, const SwapMark& mark);

/// The object in a file; empty where there is none that can be read. Of any origin and state, unlike a record.
nlohmann::json json_in(const std::filesystem::path& file);

// Names beside a run NAME: of the new one while it is built, and of the older one where names cannot be exchanged.
std::filesystem::path place_of_new(const std::filesystem::path& run);  ///< .NAME.potluck-new
std::filesystem::path place_of_old(const std::filesystem::path& run);  ///< .NAME.potluck-old
bool is_place_beside_a_run(const std::filesystem::path& folder);
/// The run that such a place is beside.
std::filesystem::path run_beside(const std::filesystem::path& place);
/// The most bytes that the name of a run may have, so that those places have names.
size_t most_bytes_of_name();

}  // namespace potluck
