// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace potluck {

/// Whether `text` is UTF-8 (RFC 3629: no overlong forms, no surrogates, nothing beyond U+10FFFF).
bool is_utf8(std::string_view text);

/// A text of a stranger as one line of UTF-8 that can be printed and stored: control characters become spaces, bytes
/// that are no UTF-8 become U+FFFD, each.
std::string plain_line(std::string_view text);

}  // namespace potluck
