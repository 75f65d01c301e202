// SPDX-License-Identifier: Apache-2.0
#include "apps/record/record_shape.h"
#include "core/error.h"
#include "tests/fuzz/fuzz_folder.h"

/// A run's record, run.json.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  try {
    potluck::parse_record(potluck::fuzz::text_of(data, size), "run.json");
  } catch (const potluck::Error&) {
  }
  return 0;
}
