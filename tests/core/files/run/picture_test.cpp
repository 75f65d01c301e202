// SPDX-License-Identifier: Apache-2.0
#include "core/files/run/picture.h"

#include <gmock/gmock.h>

#include <limits>

#include "core/error.h"
#include "core/files/formats/png.h"
#include "core/files/run/run_pictures.h"
#include "tests/core/files/example_run.h"
#include "tests/core/files/scratch.h"

namespace potluck {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

std::vector<int> pixel(const Picture& picture, int64_t y, int64_t x) {
  const auto at = picture.rgb.begin() + 3 * (y * picture.width + x);
  return {at, at + 3};
}

TEST(PictureTest, KnowsWhichShapesAreImages) {
  EXPECT_EQ(image_layout({28, 20})->width, 20);
  EXPECT_EQ(image_layout({1, 28, 20})->channels, 1);
  EXPECT_EQ(image_layout({3, 28, 20})->index(2, 1, 1), (1 * 28 + 2) * 20 + 1);
  EXPECT_EQ(image_layout({28, 20, 3})->index(2, 1, 1), (2 * 20 + 1) * 3 + 1);
  EXPECT_FALSE(image_layout({784}));
  EXPECT_FALSE(image_layout({2, 28, 28}));
  EXPECT_FALSE(image_layout({}));
}

TEST(PictureTest, TakesItsRangeFromTheSupportOrTheDraws) {
  const double infinity = std::numeric_limits<double>::infinity();
  std::vector<double> values(101);
  for (size_t i = 0; i < values.size(); ++i) values[i] = static_cast<double>(i);
  values.push_back(infinity);
  EXPECT_EQ(picture_range(-1, 1, values).black, -1);
  EXPECT_EQ(picture_range(0, infinity, values).black, 1);
  EXPECT_EQ(picture_range(0, infinity, values).white, 99);
  EXPECT_EQ(picture_range(0, infinity, std::vector<double>{7}).white, 7.5);
  EXPECT_EQ(picture_range(0, infinity, {}).white, 1);
}

TEST(PictureTest, PutsImagesInAGridWithLinesBetween) {
  // Three images of 2 x 2 pixels, enlarged 42 times: two columns and two rows of 84, separated by 2.
  const ImageLayout layout{2, 2, 1, true};
  const std::vector<double> images = {0, 1, 0.5, 2, 0, 0, 0, 0, -1, 0, std::nan(""), 1};
  const Picture picture = draw_grid(layout, images, 3, {0, 1}, {});
  EXPECT_EQ(picture.height, 2 + 2 * 86);
  EXPECT_EQ(picture.width, 2 + 2 * 86);
  const std::vector<int> line = pixel(picture, 0, 0);
  EXPECT_EQ(pixel(picture, 2, 2), (std::vector<int>{0, 0, 0}));
  EXPECT_EQ(pixel(picture, 2, 2 + 42), (std::vector<int>{255, 255, 255}));
  EXPECT_EQ(pixel(picture, 2 + 42, 2), (std::vector<int>{128, 128, 128}));
  EXPECT_EQ(pixel(picture, 85, 85), (std::vector<int>{255, 255, 255}));
  EXPECT_EQ(pixel(picture, 86, 86), line);
  EXPECT_EQ(pixel(picture, 88 + 42, 2), (std::vector<int>{230, 30, 30}));
  EXPECT_EQ(pixel(picture, 88, 88), line);  // no fourth image
}

TEST(PictureTest, ShowsColoursOfBothLayouts) {
  const std::vector<double> planar = {1, 0, 0, 1, 0, 0}, mixed = {1, 0, 0, 0, 1, 0};
  for (const auto& [layout, values] :
       {std::pair(ImageLayout{1, 2, 3, true}, planar), std::pair(ImageLayout{1, 2, 3, false}, mixed)}) {
    const Picture picture = draw_grid(layout, values, 1, {0, 1}, {});
    EXPECT_EQ(pixel(picture, 2, 2), (std::vector<int>{255, 0, 0}));
    EXPECT_EQ(pixel(picture, 2, 2 + 84), (std::vector<int>{0, 255, 0}));
  }
}

TEST(PictureTest, TintsAndFramesWhatIsGiven) {
  const std::vector<double> image(4, 0.5);
  const std::vector<uint8_t> given = {1, 1, 0, 0};
  const Picture picture = draw_grid({2, 2, 1, true}, image, 1, {0, 1}, given);
  EXPECT_EQ(pixel(picture, 2, 2), (std::vector<int>{64, 132, 255}));        // frame
  EXPECT_EQ(pixel(picture, 2 + 41, 20), (std::vector<int>{64, 132, 255}));  // against what is free
  // .86 * 127.5 + .14 * (64, 132, 255)
  EXPECT_EQ(pixel(picture, 20, 20), (std::vector<int>{119, 128, 145}));
  EXPECT_EQ(pixel(picture, 20, 2 + 42), (std::vector<int>{119, 128, 145}));  // no line between two given pixels
  EXPECT_EQ(pixel(picture, 2 + 42, 20), (std::vector<int>{128, 128, 128}));
}

TEST(PictureTest, KeepsLargeGridsAtTheirSize) {
  const Picture picture = draw_grid({40, 1000, 1, true}, std::vector<double>(4 * 40000, 0), 4, {0, 1}, {});
  EXPECT_EQ(picture.width, 2 + 2 * 1002);
}

TEST(RunPicturesTest, DrawsChainsMeanAndSdWithTheirScales) {
  const Scratch scratch;
  ExampleRun().write(scratch.folder(), 50);
  const auto files = write_pictures(scratch.folder(), "image", scratch / "pictures");
  ASSERT_EQ(files.size(), 3u);
  EXPECT_EQ(files[0], scratch / "pictures/image-chains.png");
  const PngImage chains = read_png(files[0]);
  EXPECT_EQ(chains.text.at("white"), "1");
  EXPECT_EQ(chains.width, 2 + 3 * (3 * 42 + 2));  // five images in three columns
  const PngImage sd = read_png(files[2]);
  EXPECT_EQ(sd.text.at("black"), "0");
  // 0.4 sin of angles all round the circle has an sd near 0.4 / sqrt(2).
  EXPECT_NEAR(std::stod(sd.text.at("white")), 0.283, 0.02);
  EXPECT_EQ(sd.text.at("Description"), "image: standard deviation over chains and draws");
}

TEST(RunPicturesTest, SaysWhyAVariableHasNoPictures) {
  const Scratch scratch;
  ExampleRun().write(scratch.folder(), 2);
  EXPECT_THAT(
      [&] { write_pictures(scratch.folder(), "z", scratch / "pictures"); },
      ThrowsMessage<SettingError>("pictures of 'z': its shape must be [h, w], [1, h, w], [3, h, w] or [h, w, 3], "
                                  "got []. Leave it out of the pictures"));
  EXPECT_THAT([&] { write_pictures(scratch.folder(), "label", scratch / "pictures"); },
              ThrowsMessage<SettingError>(HasSubstr("must be of a variable that is drawn, got none of that name")));
}

}  // namespace
}  // namespace potluck
