// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "compose/record/run_facts.h"
#include "core/diagnostics/responsibilities.h"

namespace potluck {

/// The mixtures of a composition as `mixtures` of run.json has them, so that the draws alone tell the responsibilities
/// of their branches, in `potluck export` and `potluck merge` too.
RunRecord record_of(const Mixtures& mixtures);

/// @throws FileError where a number in it points nowhere, nlohmann::json::exception where a key is not there
Mixtures mixtures_of(const RunRecord& record);

}  // namespace potluck
