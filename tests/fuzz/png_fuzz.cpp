// SPDX-License-Identifier: Apache-2.0
#include "core/error.h"
#include "core/files/png.h"
#include "tests/fuzz/fuzz_folder.h"

/// A PNG image.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const potluck::fuzz::Folder folder;
  const auto file = folder.write("input.png", potluck::fuzz::text_of(data, size));
  try {
    potluck::read_png(file);
  } catch (const potluck::Error&) {
  }
  return 0;
}
