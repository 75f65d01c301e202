// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <nlohmann/json.hpp>
#include <span>
#include <vector>

#include "compose/session/session.h"

namespace potluck::engine {

/// What the face gives out as the state of a run: that of its chains with the identity of the run and a SHA-256, as a
/// checkpoint in a folder has them.
class SavedStates {
 public:
  /// @param session  outlives this
  /// @param rank     the chains of the run that states are of
  SavedStates(const Session& session, const Rank& rank) : session_(session), rank_(rank) {}

  std::vector<std::byte> packed(std::span<const std::byte> state, int64_t draws);
  /// @throws StateError where `saved` is not whole, or of another run: with all that differs
  std::vector<std::byte> unpacked(std::span<const std::byte> saved);

 private:
  const nlohmann::json& identity();

  const Session& session_;
  Rank rank_;
  nlohmann::json identity_;  ///< of the run, once it was asked for
};

}  // namespace potluck::engine
