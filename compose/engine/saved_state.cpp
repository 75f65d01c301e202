// SPDX-License-Identifier: Apache-2.0
#include "compose/engine/saved_state.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <filesystem>

#include "compose/record/new_run_facts.h"
#include "compose/record/run_identity.h"
#include "core/files/run/checkpoint_file.h"
#include "core/state_archive.h"

namespace potluck::engine {
namespace {

constexpr const char* kWhat = "a saved state";

}  // namespace

const nlohmann::json& SavedStates::identity() {
  if (!identity_.is_null()) return identity_;
  const EnvironmentVariable none = [](const char*) -> const char* { return nullptr; };
  const potluck::TypedCommand here{{}, std::filesystem::current_path().string(), std::nullopt};
  identity_ = run_identity(new_run_facts(session_, here, {}, none));
  if (rank_.count > 0) identity_["share"] = {{"first", rank_.first}, {"count", rank_.count}};
  return identity_;
}

std::vector<std::byte> SavedStates::packed(std::span<const std::byte> state, int64_t draws) {
  const std::string bytes = checkpoint_bytes(identity(), draws, state);
  const auto* first = reinterpret_cast<const std::byte*>(bytes.data());
  return {first, first + bytes.size()};
}

std::vector<std::byte> SavedStates::unpacked(std::span<const std::byte> saved) {
  const auto read = [&] {
    try {
      return checkpoint_of_bytes({reinterpret_cast<const char*>(saved.data()), saved.size()}, kWhat,
                                 "Start the run anew");
    } catch (const FileError& error) {
      throw StateError(error.what());
    }
  };
  Checkpoint checkpoint = read();
  const std::vector<std::string> differing =
      differences(checkpoint.belongs, identity(), {.first = "in the saved state", .second = "now"});
  if (!differing.empty())
    throw StateError(
        fmt::format("{} must be of the same run, got differences:\n  {}\nTake them back, or start the "
                    "run anew",
                    kWhat, fmt::join(differing, "\n  ")));
  return std::move(checkpoint.state);
}

}  // namespace potluck::engine
