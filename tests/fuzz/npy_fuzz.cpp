// SPDX-License-Identifier: Apache-2.0
#include "core/error.h"
#include "core/files/formats/npy.h"
#include "tests/fuzz/fuzz_folder.h"

/// A .npy file, and its numbers.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const potluck::fuzz::Folder folder;
  const auto file = folder.write("input.npy", potluck::fuzz::text_of(data, size));
  try {
    potluck::read_npy(file).as_doubles();
  } catch (const potluck::Error&) {
  }
  return 0;
}
