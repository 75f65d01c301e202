// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "potluck/engine.h"

namespace potluck {

/// The estimate and how it came about, for people.
std::string evidence_text(const engine::Evidence& evidence);

/// "repeat 3/8": which run of an estimate is under way.
std::string run_text(const engine::EvidenceProgress& progress);

/// "b = 0.0213", or "noise 1.25" where particles go down levels of noise.
std::string place_text(const engine::EvidenceProgress& progress);

/// "repeat 3/8, b = 0.0213, stage 52/200, 12.0 s left".
/// @param rate  stages a second; 0: not known
std::string progress_text(const engine::EvidenceProgress& progress, double rate);

}  // namespace potluck
