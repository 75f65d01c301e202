// SPDX-License-Identifier: Apache-2.0
#include "core/error.h"
#include "core/files/formats/safetensors.h"
#include "tests/fuzz/fuzz_folder.h"

/// A file of weights, and all numbers in it.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const potluck::fuzz::Folder folder;
  const auto file = folder.write("input.safetensors", potluck::fuzz::text_of(data, size));
  try {
    for (const auto& [name, array] : potluck::read_safetensors(file).arrays) array.as_doubles();
  } catch (const potluck::Error&) {
  }
  return 0;
}
