// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "compose/record/new_run_facts.h"
#include "compose/tree/tree.h"
#include "core/sampling/annealing/evidence.h"

namespace potluck {

/// The estimate and how it came about, for programs: evidence.json.
/// @param file  the composition, as it was named where the estimate was begun
std::string evidence_json(const Evidence& evidence, const Composition& composition, const std::string& file,
                          const EvidenceAsked& asked);

}  // namespace potluck
