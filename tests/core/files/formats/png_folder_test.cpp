// SPDX-License-Identifier: Apache-2.0
#include "core/files/formats/png_folder.h"

#include <gmock/gmock.h>

#include "core/error.h"
#include "tests/core/files/scratch.h"

namespace potluck {
namespace {

using testing::ThrowsMessage;

void grey(const std::filesystem::path& file, int64_t height, int64_t width, uint8_t first) {
  std::vector<uint8_t> pixels;
  for (int64_t i = 0; i < height * width; ++i) pixels.push_back(static_cast<uint8_t>(first + i));
  write_png(file, height, width, 1, pixels);
}

TEST(PngFolderTest, ReadsTheImagesInTheOrderOfTheirNames) {
  const Scratch scratch;
  grey(scratch / "b.png", 2, 3, 10);
  grey(scratch / "a.PNG", 2, 3, 0);
  grey(scratch / "a10.png", 2, 3, 20);
  grey(scratch / ".hidden.png", 2, 4, 0);
  scratch.file("notes.txt", "no image");
  std::filesystem::create_directory(scratch / "folder.png");
  const Array array = read_png_folder(scratch.folder());
  EXPECT_EQ(array.type, NumberType::kUint8);
  EXPECT_EQ(array.shape, (std::vector<int64_t>{3, 2, 3}));
  EXPECT_EQ(array.as_doubles(),
            (std::vector<double>{0, 1, 2, 3, 4, 5, 20, 21, 22, 23, 24, 25, 10, 11, 12, 13, 14, 15}));
}

TEST(PngFolderTest, ReadsColours) {
  const Scratch scratch;
  write_png(scratch / "a.png", 1, 2, 3, std::vector<uint8_t>{1, 2, 3, 4, 5, 6});
  const Array array = read_png_folder(scratch.folder());
  EXPECT_EQ(array.shape, (std::vector<int64_t>{1, 1, 2, 3}));
  EXPECT_EQ(array.as_doubles(), (std::vector<double>{1, 2, 3, 4, 5, 6}));
}

TEST(PngFolderTest, SixteenBitsStaySixteen) {
  PngImage image;
  image.height = 1;
  image.width = 2;
  image.maximum = 65535;
  image.values = {1, 65535};
  const Array array = array_of(image);
  EXPECT_EQ(array.type, NumberType::kUint16);
  EXPECT_EQ(array.as_doubles(), (std::vector<double>{1, 65535}));
}

TEST(PngFolderTest, SaysWhatIsWrong) {
  const Scratch scratch;
  EXPECT_THAT([&] { read_png_folder(scratch.folder()); },
              ThrowsMessage<FileError>(scratch.folder().string() +
                                       ": must have images named .png in it, got none. Name another folder"));
  EXPECT_THAT([&] { read_png_folder(scratch / "nowhere"); },
              ThrowsMessage<FileError>((scratch / "nowhere").string() +
                                       ": must be a folder that can be read, got 'No such file or directory'"));
  grey(scratch / "a.png", 2, 3, 0);
  grey(scratch / "b.png", 3, 2, 0);
  EXPECT_THAT([&] { read_png_folder(scratch.folder()); },
              ThrowsMessage<FileError>((scratch / "b.png").string() +
                                       ": the image must be as 'a.png', [2, 3] of 8 bits, got [3, 2] of 8 bits. Make "
                                       "all images of the folder alike"));
  scratch.file("b.png", "not an image");
  EXPECT_THAT([&] { read_png_folder(scratch.folder()); },
              ThrowsMessage<FileError>(testing::HasSubstr("b.png: must be a PNG image")));
}

}  // namespace
}  // namespace potluck
