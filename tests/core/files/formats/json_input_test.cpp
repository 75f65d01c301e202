// SPDX-License-Identifier: Apache-2.0
#include "core/files/formats/json_input.h"

#include <gmock/gmock.h>

namespace potluck {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::ThrowsMessage;

TEST(JsonInputTest, NamesTheFileAndTheKeyOfWhatIsWrong) {
  const json all = json::parse(R"({"rank":{"world":"two"},"list":[1,-2],"big":18446744073709551615,"null":null})");
  const JsonInput<json> in(all, "run.json");
  const auto expect = [](const auto& read, const std::string& text) {
    EXPECT_THAT(read, ThrowsMessage<FileError>(text));
  };
  expect([&] { in.at("rank").at("world").whole(); }, "run.json: rank.world must be a whole number, got \"two\"");
  expect([&] { in.at("rank").at("rank"); }, "run.json: rank must have the key 'rank', got none of that name");
  expect([&] { in.at("none"); }, "run.json: must have the key 'none', got none of that name");
  expect([&] { in.at("list").wholes(0); }, "run.json: list[1] must be a whole number >= 0, got -2");
  expect([&] { in.at("list").at("a"); }, "run.json: list must be an object, got a list");
  expect([&] { in.at("big").whole(); }, "run.json: big must be a whole number, got 18446744073709551615");
  expect([&] { in.at("null").number(); }, "run.json: null must be a number, got null");
  EXPECT_EQ(in.at("null").number_or(3), 3);
}

TEST(JsonInputTest, RefusesWhatIsNoJsonAndWhatIsTooDeep) {
  EXPECT_THAT([] { parse_json<json>("{", "a.json"); },
              ThrowsMessage<FileError>(HasSubstr("a.json: must be JSON, got an error: ")));
  EXPECT_THAT([] { parse_json<json>("\"\xff\"", "a.json"); },
              ThrowsMessage<FileError>(HasSubstr("a.json: must be JSON, got an error: ")));
  EXPECT_NO_THROW(parse_json<json>(std::string(100, '[') + std::string(100, ']'), "a.json"));
  EXPECT_THAT([] { parse_json<json>(std::string(100000, '[') + std::string(100000, ']'), "a.json"); },
              ThrowsMessage<FileError>("a.json: must be JSON of at most 100 lists and objects inside each other, got "
                                       "more"));
}

}  // namespace
}  // namespace potluck
