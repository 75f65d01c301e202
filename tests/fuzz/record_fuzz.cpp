// SPDX-License-Identifier: Apache-2.0
#include "compose/record/record_shape.h"
#include "compose/record/run_facts_json.h"
#include "core/error.h"
#include "tests/fuzz/fuzz_folder.h"

/// A run's record, run.json, and what is known by it.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  try {
    const potluck::RunRecord record = potluck::parse_record(potluck::fuzz::text_of(data, size), "run.json");
    potluck::to_json(potluck::facts_of(record));
  } catch (const potluck::Error&) {
  }
  return 0;
}
