// SPDX-License-Identifier: Apache-2.0
#include "core/files/formats/crc32c.h"

#include <array>

namespace potluck {

namespace {

constexpr uint32_t kPolynomial = 0x82F63B78u;  // bits of 0x1EDC6F41 the other way round

constexpr std::array<uint32_t, 256> table() {
  std::array<uint32_t, 256> all = {};
  for (uint32_t byte = 0; byte < 256; ++byte) {
    uint32_t rest = byte;
    for (int bit = 0; bit < 8; ++bit) rest = (rest >> 1) ^ ((rest & 1u) != 0 ? kPolynomial : 0u);
    all[byte] = rest;
  }
  return all;
}

constexpr std::array<uint32_t, 256> kTable = table();

}  // namespace

uint32_t crc32c(std::string_view bytes) {
  uint32_t rest = 0xFFFFFFFFu;
  for (const char byte : bytes) rest = (rest >> 8) ^ kTable[(rest ^ static_cast<uint8_t>(byte)) & 0xFFu];
  return rest ^ 0xFFFFFFFFu;
}

}  // namespace potluck
