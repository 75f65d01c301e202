// SPDX-License-Identifier: Apache-2.0
#include "core/error.h"
#include "plugins/note.h"
#include "tests/fuzz/fuzz_folder.h"

/// The note of a plugin, in whatever is named as one.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const potluck::fuzz::Folder folder;
  const auto file = folder.write("input.potluck.so", potluck::fuzz::text_of(data, size));
  try {
    potluck::read_note(file);
  } catch (const potluck::Error&) {
  }
  return 0;
}
