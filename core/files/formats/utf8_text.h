// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace potluck {

/// Bytes as UTF-8, which JSON and YAML ask for and the names of files need not be: each byte that is no part of UTF-8
/// stands as \xHH, such as caf\xE9. A backslash before something that reads like that stands as \x5C, so that every
/// sequence of bytes comes back; all other text stays as it is (docs/long-runs.md).
std::string utf8_of_bytes(std::string_view bytes);

/// The bytes that utf8_of_bytes() was given.
std::string bytes_of_utf8(std::string_view text);

/// The characters of UTF-8; U+FFFD for a byte that is no part of it.
std::u32string code_points(std::string_view text);

/// A copy with every text in it, keys too, as UTF-8. @tparam Json  nlohmann::json or ordered_json
template <class Json>
Json utf8_of_bytes_in(const Json& value) {
  if (value.is_string()) return utf8_of_bytes(value.template get_ref<const std::string&>());
  if (!value.is_structured()) return value;
  Json copy = value.is_array() ? Json::array() : Json::object();
  for (const auto& [key, one] : value.items()) {
    if (value.is_array())
      copy.push_back(utf8_of_bytes_in(one));
    else
      copy[utf8_of_bytes(key)] = utf8_of_bytes_in(one);
  }
  return copy;
}

/// The way back.
template <class Json>
Json bytes_of_utf8_in(const Json& value) {
  if (value.is_string()) return bytes_of_utf8(value.template get_ref<const std::string&>());
  if (!value.is_structured()) return value;
  Json copy = value.is_array() ? Json::array() : Json::object();
  for (const auto& [key, one] : value.items()) {
    if (value.is_array())
      copy.push_back(bytes_of_utf8_in(one));
    else
      copy[bytes_of_utf8(key)] = bytes_of_utf8_in(one);
  }
  return copy;
}

}  // namespace potluck
