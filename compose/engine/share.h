// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "compose/session/session.h"
#include "core/sampling/run/run.h"
#include "potluck/engine.h"

namespace potluck::engine {

/// The chains of a share, as the inside takes them. All chains of the run are no share: {0, 0}.
/// @throws SettingError where the run has no such chains
Rank rank_of(const Share& share, const Session& session);

/// A rule on convergence looks at all chains. @throws SettingError where it would see a share of them
void check_until(const Rank& rank, const Session& session);

}  // namespace potluck::engine
