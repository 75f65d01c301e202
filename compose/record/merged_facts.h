// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "compose/record/run_facts.h"

namespace potluck {

/// What is known of one process of a run.
struct FactsOfRank {
  const RunFacts* facts = nullptr;
  std::string folder;  ///< for errors
  double chains = 0;   ///< of that process
};

/// The facts of the whole run: counts are added, means weighted by what each is of, temperatures of the virial pooled
/// chain by chain. The tuning, which is the same in every process, and what was asked for are those of the first. A
/// figure that one of the processes lacks is left out.
/// @param into  the folder of the whole run
/// @throws FileError where a process has not ended, or figures are of other numbers of things
RunFacts merged_facts(const std::vector<FactsOfRank>& ranks, const std::string& into);

}  // namespace potluck
