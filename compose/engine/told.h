// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/sampling/run/observer.h"
#include "core/sampling/run/run_summary.h"
#include "potluck/engine.h"

namespace potluck::engine {

/// What a run of the inside counts, as the face tells it.
Progress told(const potluck::Progress& progress);
Summary told(const RunSummary& summary);

}  // namespace potluck::engine
