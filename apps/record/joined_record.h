// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "apps/record/run_record.h"

namespace potluck {

/// What one process of a run recorded.
struct RankRecord {
  const RunRecord* record = nullptr;
  std::string folder;  ///< for errors
  double chains = 0;   ///< of that process
};

/// The record of the whole run: counts are added, means weighted by what each is of, temperatures of the virial pooled
/// chain by chain. The tuning, which is the same in every process, and what was asked for are those of the first. A
/// figure that one of the processes lacks is left out. @throws FileError where figures are of other numbers of things
RunRecord joined_record(const std::vector<RankRecord>& ranks);

}  // namespace potluck
