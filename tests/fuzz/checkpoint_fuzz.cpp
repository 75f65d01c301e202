// SPDX-License-Identifier: Apache-2.0
#include "core/error.h"
#include "core/files/formats/sha256.h"
#include "core/files/run/checkpoint_file.h"
#include "tests/fuzz/fuzz_folder.h"

/// A checkpoint as it is, and once more with its own SHA-256 behind it, which lets any header through.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const potluck::fuzz::Folder folder;
  const std::string bytes(potluck::fuzz::text_of(data, size));
  for (const std::string& digest : {std::string(), potluck::sha256_of_text(bytes)}) {
    folder.write("checkpoint/latest", bytes + digest);
    try {
      potluck::read_checkpoint(folder.path());
    } catch (const potluck::Error&) {
    }
  }
  return 0;
}
