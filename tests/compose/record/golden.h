// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "compose/record/record_shape.h"
#include "compose/record/run_facts_json.h"

namespace potluck::testing {

/// Records that Potluck wrote before its facts had types: of each kind of run, and how it ended.
inline const std::vector<std::string> kGoldenRecords = {
    "seed",      "sweep",  "ladder",           "mixture",          "until",        "reflected",
    "resumed",   "killed", "exported",         "interrupted",      "estimate",     "rank-0000",
    "rank-0001", "merged", "ladder-rank-0000", "ladder-rank-0001", "ladder-merged"};

inline std::string golden_text(const std::string& name) {
  std::ifstream file(POTLUCK_SOURCE_DIR "/tests/compose/record/golden/" + name + ".json", std::ios::binary);
  return std::string((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
}

inline RunFacts golden_facts(const std::string& name) {
  return facts_of(parse_record(golden_text(name), name + ".json"));
}

}  // namespace potluck::testing
