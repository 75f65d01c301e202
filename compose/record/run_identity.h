// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "compose/record/run_facts.h"

namespace potluck {

/// The identity of a run or an estimate: what its bits depend on. The composition and the files it reads, plugins with
/// their SHA-256, the settings of sampling but for how long it goes on, the kind of device, the version of Potluck, the
/// rank. A checkpoint has that of its run.
nlohmann::json run_identity(const RunFacts& facts);

/// What two identities are called in a text about them.
struct Sides {
  std::string first = "in the checkpoint";
  std::string second = "now";
};

/// What differs, a text each: "sample.seed: 1 in the checkpoint, 2 now". Files that were moved together with the folder
/// in which the run was begun are the same files.
std::vector<std::string> differences(const nlohmann::json& first, const nlohmann::json& second,
                                     const Sides& sides = {});

}  // namespace potluck
