// SPDX-License-Identifier: Apache-2.0
#include "plugins/plain_text.h"

#include <cstddef>
#include <cstdint>

namespace potluck {

namespace {

/// Bytes of the character that `text` begins with; 0 where it begins with none.
size_t first_character(std::string_view text) {
  const auto byte = [text](size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = byte(0);
  if (first < 0x80) return 1;
  const size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4 || text.size() < length) return 0;
  uint32_t code = first & (0x7fu >> length);
  for (size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return 0;
    code = code << 6 | (byte(i) & 0x3fu);
  }
  const uint32_t least = length == 4 ? 0x10000 : length == 3 ? 0x800 : 0x80;
  const bool surrogate = code >= 0xd800 && code <= 0xdfff;
  return code < least || code > 0x10ffff || surrogate ? 0 : length;
}

}  // namespace

bool is_utf8(std::string_view text) {
  while (!text.empty()) {
    const size_t length = first_character(text);
    if (length == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}

std::string plain_line(std::string_view text) {
  std::string plain;
  while (!text.empty()) {
    const size_t length = first_character(text);
    const auto byte = static_cast<unsigned char>(text[0]);
    if (length == 0) {
      plain += "\xef\xbf\xbd";
    } else if (length == 1 && (byte < 0x20 || byte == 0x7f)) {
      plain += ' ';
    } else {
      plain += text.substr(0, length);
    }
    text.remove_prefix(length == 0 ? 1 : length);
  }
  return plain;
}

}  // namespace potluck
