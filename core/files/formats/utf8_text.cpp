// SPDX-License-Identifier: Apache-2.0
#include "core/files/formats/utf8_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>

namespace potluck {

namespace {

uint8_t byte_at(std::string_view text, size_t at) { return static_cast<uint8_t>(text[at]); }

/// Bytes of the character that begins at `at`, 1 to 4; 0: it is not UTF-8 (The Unicode Standard, table 3-7).
size_t length_of_character(std::string_view text, size_t at) {
  const uint8_t first = byte_at(text, at);
  if (first < 0x80) return 1;
  const size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4 || at + length > text.size()) return 0;
  for (size_t i = 1; i < length; ++i)
    if ((byte_at(text, at + i) & 0xc0) != 0x80) return 0;
  const uint8_t second = byte_at(text, at + 1);
  const bool overlong = (first == 0xe0 && second < 0xa0) || (first == 0xf0 && second < 0x90);
  const bool surrogate = first == 0xed && second >= 0xa0;
  const bool beyond = first == 0xf4 && second >= 0x90;
  return overlong || surrogate || beyond ? 0 : length;
}

int digit(char letter) {
  if (letter >= '0' && letter <= '9') return letter - '0';
  return letter >= 'A' && letter <= 'F' ? letter - 'A' + 10 : -1;
}

/// \xHH begins at `at`.
bool is_escape(std::string_view text, size_t at) {
  return at + 4 <= text.size() && text[at] == '\\' && text[at + 1] == 'x' && digit(text[at + 2]) >= 0 &&
         digit(text[at + 3]) >= 0;
}

}  // namespace

std::string utf8_of_bytes(std::string_view bytes) {
  std::string text;
  text.reserve(bytes.size());
  for (size_t at = 0; at < bytes.size();) {
    const size_t length = is_escape(bytes, at) ? 0 : length_of_character(bytes, at);
    if (length == 0) text += fmt::format("\\x{:02X}", byte_at(bytes, at));
    if (length > 0) text += bytes.substr(at, length);
    at += length == 0 ? 1 : length;
  }
  return text;
}

std::string bytes_of_utf8(std::string_view text) {
  std::string bytes;
  bytes.reserve(text.size());
  for (size_t at = 0; at < text.size();) {
    if (is_escape(text, at)) {
      bytes += static_cast<char>(16 * digit(text[at + 2]) + digit(text[at + 3]));
      at += 4;
    } else {
      bytes += text[at++];
    }
  }
  return bytes;
}

std::u32string code_points(std::string_view text) {
  std::u32string points;
  for (size_t at = 0; at < text.size();) {
    const size_t length = length_of_character(text, at);
    char32_t point = length == 0 ? U'\uFFFD' : length == 1 ? byte_at(text, at) : byte_at(text, at) & (0x7fu >> length);
    for (size_t i = 1; i < length; ++i) point = point << 6 | (byte_at(text, at + i) & 0x3fu);
    points += point;
    at += std::max<size_t>(length, 1);
  }
  return points;
}

}  // namespace potluck
