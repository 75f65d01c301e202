// SPDX-License-Identifier: Apache-2.0
#include "core/files/formats/png.h"

#include <gmock/gmock.h>
#include <png.h>
#include <zlib.h>

#include "core/error.h"
#include "tests/core/files/scratch.h"

namespace potluck {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

/// Writes an image of any kind with libpng alone: the other end of the contract.
void write_any(const std::filesystem::path& file, uint32_t height, uint32_t width, int bits, int colour,
               const std::vector<unsigned char>& bytes, bool interlaced = false) {
  FILE* stream = std::fopen(file.c_str(), "wb");
  png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, nullptr, nullptr, nullptr);
  png_infop info = png_create_info_struct(png);
  png_init_io(png, stream);
  png_set_IHDR(png, info, width, height, bits, colour, interlaced ? PNG_INTERLACE_ADAM7 : PNG_INTERLACE_NONE,
               PNG_COMPRESSION_TYPE_BASE, PNG_FILTER_TYPE_BASE);
  const png_color palette[2] = {{10, 20, 30}, {40, 50, 60}};
  if (colour == PNG_COLOR_TYPE_PALETTE) png_set_PLTE(png, info, palette, 2);
  png_write_info(png, info);
  std::vector<png_bytep> rows;
  for (uint32_t y = 0; y < height; ++y) rows.push_back(const_cast<png_bytep>(bytes.data()) + y * bytes.size() / height);
  png_write_image(png, rows.data());
  png_write_end(png, nullptr);
  png_destroy_write_struct(&png, &info);
  std::fclose(stream);
}

TEST(PngTest, ReadsBackWhatItWrote) {
  const Scratch scratch;
  for (const int64_t channels : {1, 3}) {
    std::vector<uint8_t> values(static_cast<size_t>(2 * 5 * channels));
    for (size_t i = 0; i < values.size(); ++i) values[i] = static_cast<uint8_t>(37 * i);
    write_png(scratch / "a.png", 2, 5, channels, values, {{"sd-white", "0.25"}, {"Title", ""}});
    const PngImage image = read_png(scratch / "a.png");
    EXPECT_EQ(image.height, 2);
    EXPECT_EQ(image.width, 5);
    EXPECT_EQ(image.channels, channels);
    EXPECT_EQ(image.maximum, 255);
    EXPECT_EQ(image.values, std::vector<uint16_t>(values.begin(), values.end()));
    EXPECT_EQ(image.text.at("sd-white"), "0.25");
  }
}

TEST(PngTest, ReadsSixteenBits) {
  const Scratch scratch;
  write_any(scratch / "a.png", 1, 2, 16, PNG_COLOR_TYPE_GRAY, {0x12, 0x34, 0xff, 0xff});
  const PngImage image = read_png(scratch / "a.png");
  EXPECT_EQ(image.maximum, 65535);
  EXPECT_EQ(image.values, (std::vector<uint16_t>{0x1234, 0xffff}));
}

TEST(PngTest, ReadsOneBitPalettesAndInterlacedImages) {
  const Scratch scratch;
  write_any(scratch / "bit.png", 1, 3, 1, PNG_COLOR_TYPE_GRAY, {0b10100000});
  EXPECT_EQ(read_png(scratch / "bit.png").values, (std::vector<uint16_t>{255, 0, 255}));
  write_any(scratch / "palette.png", 1, 2, 8, PNG_COLOR_TYPE_PALETTE, {1, 0});
  EXPECT_EQ(read_png(scratch / "palette.png").values, (std::vector<uint16_t>{40, 50, 60, 10, 20, 30}));
  write_any(scratch / "woven.png", 2, 2, 8, PNG_COLOR_TYPE_GRAY, {1, 2, 3, 4}, true);
  EXPECT_EQ(read_png(scratch / "woven.png").values, (std::vector<uint16_t>{1, 2, 3, 4}));
}

TEST(PngTest, DropsAlphaWhereItIsOpaqueAndRefusesItElsewhere) {
  const Scratch scratch;
  write_any(scratch / "a.png", 1, 2, 8, PNG_COLOR_TYPE_RGB_ALPHA, {1, 2, 3, 255, 4, 5, 6, 255});
  EXPECT_EQ(read_png(scratch / "a.png").values, (std::vector<uint16_t>{1, 2, 3, 4, 5, 6}));
  write_any(scratch / "b.png", 1, 2, 8, PNG_COLOR_TYPE_GRAY_ALPHA, {1, 255, 2, 7});
  EXPECT_THAT([&] { read_png(scratch / "b.png"); },
              ThrowsMessage<FileError>((scratch / "b.png").string() +
                                       ": every pixel must be opaque, got a transparent one at row 0, column 1. Save "
                                       "the image without an alpha channel"));
}

TEST(PngTest, RefusesEveryTruncation) {
  const Scratch scratch;
  write_png(scratch / "a.png", 2, 2, 1, std::vector<uint8_t>{1, 2, 3, 4}, {{"a", "b"}});
  const std::string whole = bytes_of_file(scratch / "a.png");
  for (size_t length = 0; length < whole.size(); ++length) {
    EXPECT_THROW(read_png(scratch.file("b.png", whole.substr(0, length))), FileError) << length;
  }
}

TEST(PngTest, SurvivesEveryChangedByte) {
  const Scratch scratch;
  write_png(scratch / "a.png", 2, 2, 3, std::vector<uint8_t>(12, 7));
  const std::string whole = bytes_of_file(scratch / "a.png");
  int refused = 0;
  for (size_t at = 0; at < whole.size(); ++at) {
    std::string changed = whole;
    changed[at] ^= 0x55;
    try {
      read_png(scratch.file("b.png", changed));
    } catch (const FileError&) {
      ++refused;
    }
  }
  EXPECT_GT(refused, 40);
}

TEST(PngTest, SaysWhatIsWrong) {
  const Scratch scratch;
  const auto text = scratch.file("a.png", "a text, no image");
  EXPECT_THAT([&] { read_png(text); },
              ThrowsMessage<FileError>(text.string() +
                                       ": must be a PNG image, got other first bytes. Convert the image to PNG"));
  const std::vector<uint8_t> three(3);
  EXPECT_THAT(
      [&] { write_png(scratch / "b.png", 2, 2, 1, three); },
      ThrowsMessage<FileError>((scratch / "b.png").string() +
                               ": the image must be [height, width, 1 or 3] of as many numbers, got [2, 2, 1] of 3"));
  EXPECT_FALSE(std::filesystem::exists(scratch / "b.png"));
}

TEST(PngTest, CostsNoMemoryForAHeaderThatPromisesTooMuch) {
  const Scratch scratch;
  // 16000 x 16000 gray pixels stay below 2^28 but cannot come out of 57 bytes. Only the header's own checksum counts.
  write_png(scratch / "a.png", 1, 1, 1, std::vector<uint8_t>{0});
  std::string bytes = bytes_of_file(scratch / "a.png");
  for (const size_t at : {16u, 20u}) bytes.replace(at, 4, std::string("\0\0\x3e\x80", 4));
  const uLong crc = crc32(0, reinterpret_cast<const Bytef*>(bytes.data()) + 12, 17);
  for (size_t k = 0; k < 4; ++k) bytes[29 + k] = static_cast<char>(crc >> (24 - 8 * k));
  EXPECT_THAT([&] { read_png(scratch.file("b.png", bytes)); },
              ThrowsMessage<FileError>(HasSubstr("the image must have a size that fits its file")));
}

TEST(PngTest, CostsNoMemoryForAChunkThatPromisesTooMuch) {
  const Scratch scratch;
  write_png(scratch / "a.png", 1, 1, 1, std::vector<uint8_t>{0}, {{"a", "b"}});
  std::string bytes = bytes_of_file(scratch / "a.png");
  bytes[bytes.find("tEXt") - 4] = 0x26;  // "a", a zero and "b", and a checksum: 0x26000003 + 4 bytes
  EXPECT_THAT(
      [&] { read_png(scratch.file("b.png", bytes)); },
      ThrowsMessage<FileError>(HasSubstr(": must be a whole PNG image, got a chunk of 637534215 bytes where ")));
}

}  // namespace
}  // namespace potluck
