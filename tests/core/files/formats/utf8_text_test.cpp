// SPDX-License-Identifier: Apache-2.0
#include "core/files/formats/utf8_text.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace potluck {
namespace {

TEST(Utf8TextTest, LeavesUtf8AsItIs) {
  for (const std::string text :
       {"", "runs/a", "caf\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80", "a\\b", "\\x4", "\\xe9"})
    EXPECT_EQ(utf8_of_bytes(text), text);
}

TEST(Utf8TextTest, WritesOtherBytesInHexadecimal) {
  EXPECT_EQ(utf8_of_bytes("caf\xe9/x"), "caf\\xE9/x");
  // Overlong, a surrogate, beyond U+10FFFF, cut short.
  EXPECT_EQ(utf8_of_bytes("\xc0\xaf"), "\\xC0\\xAF");
  EXPECT_EQ(utf8_of_bytes("\xed\xa0\x80"), "\\xED\\xA0\\x80");
  EXPECT_EQ(utf8_of_bytes("\xf4\x90\x80\x80"), "\\xF4\\x90\\x80\\x80");
  EXPECT_EQ(utf8_of_bytes("\xe2\x82"), "\\xE2\\x82");
  // What reads like an escape is one too.
  EXPECT_EQ(utf8_of_bytes("\\xE9"), "\\x5CxE9");
}

TEST(Utf8TextTest, EverySequenceOfBytesComesBack) {
  for (int first = 0; first < 256; ++first) {
    for (const std::string& rest : {std::string(), std::string("\xa0"), std::string("\x80\x80\x80"), std::string("xE9"),
                                    std::string("\\xE9\xe9"), std::string("\\\\x5C")}) {
      const std::string bytes = static_cast<char>(first) + rest;
      ASSERT_EQ(bytes_of_utf8(utf8_of_bytes(bytes)), bytes) << first << rest;
    }
  }
}

TEST(Utf8TextTest, CoversKeysAndValuesOfJson) {
  const nlohmann::json value = {{"caf\xe9", {"\xff", 1, nullptr}}, {"a", {{"b", "\\x41"}}}};
  const std::string text = utf8_of_bytes_in(value).dump();  // which throws where there is another byte
  EXPECT_EQ(bytes_of_utf8_in(nlohmann::json::parse(text)), value);
}

}  // namespace
}  // namespace potluck
