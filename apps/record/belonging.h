// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "apps/record/run_record.h"

namespace potluck {

/// What the bits of a run or an estimate depend on, taken from its record: the composition and the files it reads,
/// plugins with their SHA-256, the settings of sampling but for how long it goes on, the kind of device, the version of
/// Potluck, the rank.
nlohmann::json belonging_of(const RunRecord& record);

/// What two records are called in a text about them.
struct Sides {
  std::string first = "in the checkpoint";
  std::string second = "now";
};

/// What differs, a text each: "sample.seed: 1 in the checkpoint, 2 now". Files that were moved together with the folder
/// in which the run was begun are the same files.
std::vector<std::string> differences(const nlohmann::json& first, const nlohmann::json& second,
                                     const Sides& sides = {});

}  // namespace potluck
