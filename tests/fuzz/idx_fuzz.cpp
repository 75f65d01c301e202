// SPDX-License-Identifier: Apache-2.0
#include "core/error.h"
#include "core/files/formats/idx.h"
#include "tests/fuzz/fuzz_folder.h"

/// An IDX file, plain or gzip'ed: whole, and the row that the last byte names.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const potluck::fuzz::Folder folder;
  const auto file = folder.write("input.idx", potluck::fuzz::text_of(data, size));
  try {
    potluck::read_idx(file).as_doubles();
  } catch (const potluck::Error&) {
  }
  try {
    potluck::read_idx_row(file, size > 0 ? data[size - 1] : 0).as_doubles();
  } catch (const potluck::Error&) {
  }
  return 0;
}
