// SPDX-License-Identifier: Apache-2.0
#include "core/files/formats/safetensors.h"

#include <gmock/gmock.h>

#include <cmath>
#include <limits>

#include "core/error.h"
#include "tests/core/files/scratch.h"

namespace potluck {
namespace {

using testing::ThrowsMessage;

std::string safetensors(const std::string& header, const std::string& numbers) {
  return raw(uint64_t{header.size()}) + header + numbers;
}

TEST(SafetensorsTest, ReadsBackWhatItWrote) {
  const Scratch scratch;
  Safetensors contents;
  contents.arrays["mean"] = Array::of({3}, std::vector<double>{1, 2, 1e-300});
  contents.arrays["covariance"] = Array::of({2, 2}, std::vector<float>{1, 2, 3, 4});
  contents.arrays["empty"] = Array::of({0, 4}, std::vector<float>{});
  contents.arrays["one"] = Array::of({}, std::vector<int64_t>{-5});
  contents.metadata = {{"model", "gaussian"}, {"ünï", "\"quoted\"\n"}};
  write_safetensors(scratch / "a.safetensors", contents);
  const Safetensors read = read_safetensors(scratch / "a.safetensors");
  EXPECT_EQ(read.metadata, contents.metadata);
  ASSERT_EQ(read.arrays.size(), 4u);
  for (const auto& [name, array] : contents.arrays) {
    EXPECT_EQ(read.arrays.at(name).type, array.type) << name;
    EXPECT_EQ(read.arrays.at(name).shape, array.shape) << name;
    EXPECT_EQ(read.arrays.at(name).bytes, array.bytes) << name;
  }
}

TEST(SafetensorsTest, GivesAFileAnotherTextOfItsMetadataAndLeavesTheRest) {
  const Scratch scratch;
  const std::string numbers = "12345678abcd";
  // Arrays in another order than their names', another type than ours in memory, and spaces behind the header.
  const std::string arrays =
      R"("z":{"dtype":"F64","shape":[1],"data_offsets":[0,8]},"a":{"dtype":"F16","shape":[2],"data_offsets":[8,12]})";
  const auto file =
      scratch.file("a", safetensors(R"({"__metadata__":{"format":"pt","note":"old"},)" + arrays + "}   ", numbers));
  const auto expect = [&](std::string header) {
    header.append((8 - header.size() % 8) % 8, ' ');
    EXPECT_EQ(bytes_of_file(file), safetensors(header, numbers));
  };
  set_safetensors_metadata(file, "note", "\"new\"");
  expect(R"({"__metadata__":{"format":"pt","note":"\"new\""},)" + arrays + "}");
  set_safetensors_metadata(file, "more", "1");
  expect(R"({"__metadata__":{"format":"pt","note":"\"new\"","more":"1"},)" + arrays + "}");
  EXPECT_EQ(read_safetensors(file).metadata.at("more"), "1");
  // Of a file that has none.
  const auto bare = scratch.file("b", safetensors("{" + arrays + "}", numbers));
  set_safetensors_metadata(bare, "note", "n");
  EXPECT_EQ(read_safetensors(bare).metadata, (std::map<std::string, std::string>{{"note", "n"}}));
  EXPECT_EQ(bytes_of_file(bare).substr(bytes_of_file(bare).size() - numbers.size()), numbers);
  // What is no such file stays as it is.
  const auto cut = scratch.file("c", safetensors("{" + arrays + "}", "1234"));
  const std::string before = bytes_of_file(cut);
  EXPECT_THROW(set_safetensors_metadata(cut, "note", "n"), FileError);
  EXPECT_EQ(bytes_of_file(cut), before);
}

TEST(SafetensorsTest, WidensShortFloatsToFloat32) {
  const Scratch scratch;
  // binary16: 1, -2, 65504 (the largest), 2^-24 (the smallest), 2^-14 (the smallest normal), inf, NaN, -0.
  std::string half, brain;
  for (const uint16_t bits : {0x3c00, 0xc000, 0x7bff, 0x0001, 0x0400, 0x7c00, 0x7e00, 0x8000}) half += raw(bits);
  // bfloat16: 1, -2, 2^-133 (the smallest).
  for (const uint16_t bits : {0x3f80, 0xc000, 0x0001}) brain += raw(bits);
  const auto file = scratch.file("a", safetensors(R"({"h":{"dtype":"F16","shape":[8],"data_offsets":[0,16]},)"
                                                  R"("b":{"dtype":"BF16","shape":[3],"data_offsets":[16,22]}})",
                                                  half + brain));
  const Safetensors read = read_safetensors(file);
  EXPECT_EQ(read.arrays.at("h").type, NumberType::kFloat32);
  std::vector<double> h = read.arrays.at("h").as_doubles();
  EXPECT_TRUE(std::isnan(h[6]));
  EXPECT_TRUE(std::signbit(h[7]));
  h.resize(6);
  EXPECT_EQ(h, (std::vector<double>{1, -2, 65504, std::ldexp(1, -24), std::ldexp(1, -14),
                                    std::numeric_limits<double>::infinity()}));
  EXPECT_EQ(read.arrays.at("b").as_doubles(), (std::vector<double>{1, -2, std::ldexp(1, -133)}));
}

TEST(SafetensorsTest, RefusesEveryTruncation) {
  const Scratch scratch;
  Safetensors contents;
  contents.arrays["a"] = Array::of({2}, std::vector<float>{1, 2});
  contents.arrays["b"] = Array::of({1}, std::vector<float>{3});
  write_safetensors(scratch / "a", contents);
  const std::string whole = bytes_of_file(scratch / "a");
  for (size_t length = 0; length < whole.size(); ++length) {
    EXPECT_THROW(read_safetensors(scratch.file("b", whole.substr(0, length))), FileError) << length;
  }
}

TEST(SafetensorsTest, RefusesHostileHeaders) {
  const Scratch scratch;
  const auto expect = [&](const std::string& bytes, const std::string& text) {
    const auto file = scratch.file("a", bytes);
    EXPECT_THAT([&] { read_safetensors(file); }, ThrowsMessage<FileError>(file.string() + ": " + text)) << bytes;
  };
  const std::string four = "1234";
  expect(raw(~uint64_t{0}) + "{}",
         "the header must have at most 100000000 bytes, got 18446744073709551615. This is not a safetensors file");
  expect(raw(uint64_t{90'000'000}) + "{}", "the header must have 90000000 bytes, got 2. The file is cut short");
  expect(safetensors("[1]", ""), "the header must be a JSON object, got '[1]'. Save it with safetensors");
  expect(safetensors("{\"a\":", ""), "the header must be a JSON object, got '{\"a\":'. Save it with safetensors");
  expect(
      safetensors(
          R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})",
          four),
      "'b': data_offsets must begin at 4, where the array before ends, got 0");
  expect(safetensors(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}})", four + four),
         "'a': data_offsets must begin at 0, where the array before ends, got 4");
  expect(safetensors(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})", four),
         "the numbers must have 8 bytes, got 4. The file is cut short");
  expect(safetensors(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})", four + four),
         "the numbers must have 4 bytes, got 8. The file is longer than its header says");
  expect(safetensors(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}})", four),
         "'a': data_offsets must span the numbers of shape [2] of F32, got 4 bytes");
  expect(safetensors(R"({"a":{"dtype":"F32","shape":[4611686018427387904,4],"data_offsets":[0,0]}})", ""),
         "'a': data_offsets must span the numbers of shape [4611686018427387904, 4] of F32, got 0 bytes");
  expect(safetensors(R"({"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}})", four),
         "'a': shape must be a list of whole numbers >= 0, got another value");
  expect(safetensors(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}})", four),
         "'a': data_offsets must be [begin, end] with begin <= end, got another value");
  expect(safetensors(R"({"a":{"dtype":"F8_E4M3","shape":[1],"data_offsets":[0,1]}})", "1"),
         "'a': dtype must be one of BOOL, I8, I16, I32, I64, U8, U16, U32, U64, F16, BF16, F32, F64, got \"F8_E4M3\". "
         "Convert it before saving");
  expect(safetensors(R"({"a":3})", ""), "'a' must be a JSON object, got number");
  expect(
      safetensors(
          R"({"a":{"dtype":"F32","shape":[0],"data_offsets":[0,0]},"a":{"dtype":"F32","shape":[0],"data_offsets":[0,0]}})",
          ""),
      "each name must stand once, got 'a' twice");
  expect(safetensors(R"({"__metadata__":{"a":1}})", ""), "__metadata__: 'a' must be a text, got number");
}

TEST(SafetensorsTest, SurvivesEveryHeaderWithOneByteChanged) {
  const Scratch scratch;
  Safetensors contents;
  contents.arrays["a"] = Array::of({2}, std::vector<float>{1, 2});
  write_safetensors(scratch / "a", contents);
  const std::string whole = bytes_of_file(scratch / "a");
  for (size_t at = 0; at < whole.size(); ++at) {
    for (const char byte : {'\0', '"', '{', '[', ']', '9', '-', '\x80'}) {
      std::string changed = whole;
      changed[at] = byte;
      try {
        read_safetensors(scratch.file("b", changed));
      } catch (const FileError&) {
      }
    }
  }
}

}  // namespace
}  // namespace potluck
