// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

namespace potluck {

/// SHA-256 of bytes that come in pieces (FIPS 180-4, section 6.2).
class Sha256 {
 public:
  void update(const void* bytes, size_t count);
  /// The digest as 64 lower-case hexadecimal digits. Nothing may be added afterwards.
  std::string hex();

 private:
  void take_block(const uint8_t* block);

  std::array<uint32_t, 8> state_ = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                    0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
  std::array<uint8_t, 64> pending_{};  ///< bytes of the block that is not full yet
  uint64_t count_ = 0;                 ///< bytes taken so far
};

std::string sha256_of_text(std::string_view text);

/// Reads the file in pieces. @throws FileError where it cannot be read.
std::string sha256_of_file(const std::filesystem::path& file);

}  // namespace potluck
