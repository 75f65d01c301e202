// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "compose/record/run_products.h"
#include "core/sampling/run/observer.h"
#include "core/sampling/run/run_summary.h"
#include "potluck/engine.h"

namespace potluck::engine {

/// What a run of the inside counts, as the face tells it.
Progress told(const potluck::Progress& progress);
Summary told(const RunSummary& summary);
Verdict told(const RunVerdict& verdict);
/// @param judged  false: of a rank, whose draws are not judged
Products told(const RunProducts& products, bool judged);

}  // namespace potluck::engine
