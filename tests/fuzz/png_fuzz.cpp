// SPDX-License-Identifier: Apache-2.0
#include <zlib.h>

#include "core/error.h"
#include "core/files/formats/png.h"
#include "tests/fuzz/fuzz_folder.h"

namespace {

/// The image with the checksums of all chunks set right, as long as their lengths lead to a next one.
std::string made_right(std::string bytes) {
  const auto at = [&](size_t i) { return static_cast<size_t>(static_cast<unsigned char>(bytes[i])); };
  for (size_t start = 8; start + 12 <= bytes.size();) {
    const size_t length = at(start) << 24 | at(start + 1) << 16 | at(start + 2) << 8 | at(start + 3);
    if (length > bytes.size() - start - 12) break;
    const auto sum = crc32(0, reinterpret_cast<const Bytef*>(bytes.data()) + start + 4, static_cast<uInt>(length + 4));
    for (size_t k = 0; k < 4; ++k) bytes[start + 8 + length + k] = static_cast<char>(sum >> (24 - 8 * k));
    start += 12 + length;
  }
  return bytes;
}

}  // namespace

/// A PNG image as it is, and once more with right checksums, which lets any chunk through.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const potluck::fuzz::Folder folder;
  const std::string bytes(potluck::fuzz::text_of(data, size));
  for (const std::string& image : {bytes, made_right(bytes)}) {
    const auto file = folder.write("input.png", image);
    try {
      potluck::read_png(file);
    } catch (const potluck::Error&) {
    }
  }
  return 0;
}
