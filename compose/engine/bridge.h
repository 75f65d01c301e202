// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "compose/engine/saved_state.h"
#include "compose/session/session.h"
#include "core/sampling/run/observer.h"
#include "core/sampling/run/until_rule.h"
#include "potluck/engine.h"

namespace potluck::engine {

/// Shows a run of the inside to the observers of the face, and asks the composition's rule and theirs.
class Bridge final : public potluck::Observer, public potluck::StopRule {
 public:
  /// @param own  the rule of the composition, which sees the draws by itself; null where it has none. All that is given
  ///   outlives this
  /// @param rank  the chains of the run
  /// @throws SettingError where an observer is null
  Bridge(const Session& session, const RunOptions& options, UntilRule* own, const Rank& rank);

  /// The state of the chains that `options` goes on from; empty: a new run. @throws StateError
  std::vector<std::byte> checkpoint();

  /// This, or null where steps alone end the run.
  potluck::StopRule* rule() { return own_ || options_.until ? this : nullptr; }

  void drew(const potluck::Draw& draw) override;
  void progressed(const potluck::Progress& progress) override;
  void checkpointed(std::span<const std::byte> state, int64_t draws) override;
  std::optional<std::string> reached(int64_t draws, int64_t steps) override;

 private:
  const Session& session_;
  const RunOptions& options_;
  UntilRule* own_;
  SavedStates states_;
  engine::Draw last_;
};

}  // namespace potluck::engine
