// SPDX-License-Identifier: Apache-2.0
#include "core/files/formats/npy.h"

#include <gmock/gmock.h>

#include <cmath>

#include "core/error.h"
#include "tests/core/files/scratch.h"

namespace potluck {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

/// A format 1.0 file with this header and these numbers.
std::string npy(const std::string& header, const std::string& numbers) {
  return std::string("\x93NUMPY\x01\x00", 8) + raw(static_cast<uint16_t>(header.size())) + header + numbers;
}

TEST(NpyTest, ReadsBackWhatItWrote) {
  const Scratch scratch;
  const std::vector<std::vector<int64_t>> shapes = {{}, {6}, {2, 3}, {1, 6, 1}};
  for (const auto& shape : shapes) {
    std::vector<double> values(static_cast<size_t>(count_of(shape)));
    for (size_t i = 0; i < values.size(); ++i) values[i] = 0.1 * static_cast<double>(i) - 1e300;
    write_npy(scratch / "a.npy", Array::of(shape, values));
    const Array read = read_npy(scratch / "a.npy");
    EXPECT_EQ(read.shape, shape);
    EXPECT_EQ(read.as_doubles(), values);
  }
  EXPECT_EQ(bytes_of_file(scratch / "a.npy").find('\n') % 64, 63u);
}

TEST(NpyTest, ReadsEveryNumberType) {
  const Scratch scratch;
  const std::vector<std::pair<std::string, std::string>> cases = {{"|b1", raw<int8_t>(1)},
                                                                  {"|i1", raw<int8_t>(1)},
                                                                  {"<i2", raw<int16_t>(1)},
                                                                  {"<i4", raw<int32_t>(1)},
                                                                  {"<i8", raw<int64_t>(1)},
                                                                  {"|u1", raw<uint8_t>(1)},
                                                                  {"<u2", raw<uint16_t>(1)},
                                                                  {"<u4", raw<uint32_t>(1)},
                                                                  {"<u8", raw<uint64_t>(1)},
                                                                  {"<f4", raw<float>(1)},
                                                                  {"<f8", raw<double>(1)},
                                                                  {">i2", std::string("\0\1", 2)},
                                                                  {">i4", std::string("\0\0\0\1", 4)}};
  for (const auto& [descr, bytes] : cases) {
    const auto file =
        scratch.file("a.npy", npy("{'descr': '" + descr + "', 'fortran_order': False, 'shape': (1,), }\n", bytes));
    EXPECT_EQ(read_npy(file).as_doubles(), std::vector<double>{1}) << descr;
  }
}

// 1, -2, the largest, the smallest, infinity: 0x3c00, 0xc000, 0x7bff, 0x0001, 0x7c00.
TEST(NpyTest, ReadsHalvesAsFloats) {
  const Scratch scratch;
  std::string little, big;
  for (const uint16_t bits : {0x3c00, 0xc000, 0x7bff, 0x0001, 0x7c00}) {
    little += raw(bits);
    big += {static_cast<char>(bits >> 8), static_cast<char>(bits & 0xff)};
  }
  for (const auto& [descr, bytes] : {std::pair{"<f2", little}, {">f2", big}}) {
    const auto file = scratch.file(
        "a.npy", npy(std::string("{'descr': '") + descr + "', 'fortran_order': False, 'shape': (5,), }\n", bytes));
    const Array array = read_npy(file);
    EXPECT_EQ(array.type, NumberType::kFloat32);
    EXPECT_EQ(array.as_doubles(), (std::vector<double>{1, -2, 65504, std::ldexp(1.0, -24), INFINITY})) << descr;
  }
  EXPECT_THAT(
      [&] { read_npy(scratch.file("a.npy", npy("{'descr': '<f2', 'fortran_order': False, 'shape': (2,)}", "123"))); },
      ThrowsMessage<FileError>(testing::HasSubstr("the numbers must have 4 bytes for shape [2] of float16, got 3")));
}

TEST(NpyTest, TurnsFortranOrderIntoCOrder) {
  // [[0, 1, 2], [3, 4, 5]] by columns: 0 3 1 4 2 5.
  std::string numbers;
  for (const int8_t n : {0, 3, 1, 4, 2, 5}) numbers += raw(n);
  const Scratch scratch;
  const auto file =
      scratch.file("a.npy", npy("{\"descr\": \"|i1\", \"fortran_order\": True, \"shape\": (2, 3)}", numbers));
  EXPECT_EQ(read_npy(file).as_doubles(), (std::vector<double>{0, 1, 2, 3, 4, 5}));
}

TEST(NpyTest, RefusesEveryTruncation) {
  const Scratch scratch;
  write_npy(scratch / "a.npy", Array::of({2, 2}, std::vector<float>{1, 2, 3, 4}));
  const std::string whole = bytes_of_file(scratch / "a.npy");
  for (size_t length = 0; length < whole.size(); ++length) {
    EXPECT_THROW(read_npy(scratch.file("b.npy", whole.substr(0, length))), FileError) << length;
  }
  EXPECT_THROW(read_npy(scratch.file("b.npy", whole + "x")), FileError);
}

TEST(NpyTest, SaysWhatIsWrong) {
  const Scratch scratch;
  const auto expect = [&](const std::string& bytes, const std::string& text) {
    const auto file = scratch.file("a.npy", bytes);
    EXPECT_THAT([&] { read_npy(file); }, ThrowsMessage<FileError>(file.string() + ": " + text)) << bytes;
  };
  expect("GIF89a....", "must be a .npy file, got other first bytes. Save it with numpy.save");
  expect(npy("{'descr': '<c8', 'fortran_order': False, 'shape': ()}", ""),
         "the number type must be one of b1, i1, i2, i4, i8, u1, u2, u4, u8, f2, f4, f8, got '<c8'. Convert it with "
         "astype");
  expect(npy("{'descr': '<f8', 'fortran_order': False, 'shape': (2,)}", "12345678"),
         "the numbers must have 16 bytes for shape [2] of float64, got 8. Save it again");
  expect(npy("{'descr': '<f8', 'shape': (2,)}", ""),
         "the header must be a dictionary of descr, fortran_order and shape, got no 'fortran_order'. Save it with "
         "numpy.save");
  expect(npy("{'descr': '<f8', 'fortran_order': False, 'shape': (4611686018427387904, 4611686018427387904)}", ""),
         "the shape must have lengths >= 0 whose product fits, got [4611686018427387904, 4611686018427387904]");
  expect(npy("{'descr': [('a', '<f8')], 'fortran_order': False, 'shape': ()}", ""),
         "the header must be a dictionary of descr, fortran_order and shape, got '[('a', '<f8')], 'for'. Save it with "
         "numpy.save");
  EXPECT_THAT([&] { read_npy(scratch / "none.npy"); },
              ThrowsMessage<FileError>(HasSubstr("must be a file, got nothing")));
  EXPECT_THAT([&] { read_npy(scratch.folder()); }, ThrowsMessage<FileError>(HasSubstr("must be a file, got a folder")));
}

TEST(NpyTest, SurvivesEveryHeaderWithOneByteChanged) {
  const Scratch scratch;
  write_npy(scratch / "a.npy", Array::of({2, 2}, std::vector<float>{1, 2, 3, 4}));
  const std::string whole = bytes_of_file(scratch / "a.npy");
  for (size_t at = 0; at < 70; ++at) {
    for (const char byte : {'\0', '\'', '{', '}', '(', ')', '9', '-', '\xff'}) {
      std::string changed = whole;
      changed[at] = byte;
      try {
        read_npy(scratch.file("b.npy", changed));
      } catch (const FileError&) {
      }
    }
  }
}

}  // namespace
}  // namespace potluck
