// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "compose/engine/state.h"
#include "compose/record/resumed_run.h"
#include "potluck/engine.h"

namespace potluck::engine {

struct EarlierRun::State {
  std::string folder;
  ResumedRun run;
};

}  // namespace potluck::engine
