// SPDX-License-Identifier: Apache-2.0
#include "core/files/formats/array.h"

#include <gtest/gtest.h>

namespace potluck {
namespace {

TEST(ArrayTest, NamesAnElementByItsPlaceAlongEachAxis) {
  EXPECT_EQ(element_name("image", {8, 29}, 101), "image[3, 14]");  // 3 * 29 + 14
  EXPECT_EQ(element_name("x", {5}, 4), "x[4]");
  EXPECT_EQ(element_name("label", {}, 0), "label");
}

TEST(ArrayTest, ReadsItsNumbersAsDoublesWhateverTheirType) {
  Array array{NumberType::kInt8, {2}, {std::byte{0xff}, std::byte{0x7f}}};
  EXPECT_EQ(array.as_doubles(), (std::vector<double>{-1, 127}));
  array.type = NumberType::kUint8;
  EXPECT_EQ(array.as_doubles(), (std::vector<double>{255, 127}));
  array.type = NumberType::kBool;
  EXPECT_EQ(array.as_doubles(), (std::vector<double>{1, 1}));
  EXPECT_EQ(Array::of({2}, std::vector<float>{0.5f, -2}).at(1), -2);
  EXPECT_EQ(Array::of({}, std::vector<int64_t>{-7}).at(0), -7);
}

TEST(ArrayTest, GivesARowOfItsFirstDimension) {
  const Array row = Array::of({3, 2}, std::vector<double>{0, 1, 2, 3, 4, 5}).row(1);
  EXPECT_EQ(row.shape, (std::vector<int64_t>{2}));
  EXPECT_EQ(row.as_doubles(), (std::vector<double>{2, 3}));
}

TEST(ArrayTest, CountsShapesAndSaysWhenTheyDoNotFit) {
  EXPECT_EQ(count_of({}), 1);
  EXPECT_EQ(count_of({3, 4}), 12);
  EXPECT_EQ(count_of({int64_t{1} << 40, 0}), 0);
  EXPECT_EQ(count_of({int64_t{1} << 40, int64_t{1} << 40}), -1);
  EXPECT_EQ(count_of({-1}), -1);
  EXPECT_EQ(shape_text({3, 4}), "[3, 4]");
}

TEST(ArrayTest, KnowsTheLargestIntegerOfAType) {
  EXPECT_EQ(maximum_of(NumberType::kUint8), 255);
  EXPECT_EQ(maximum_of(NumberType::kInt16), 32767);
  EXPECT_EQ(maximum_of(NumberType::kUint16), 65535);
  EXPECT_EQ(maximum_of(NumberType::kBool), 1);
  EXPECT_EQ(maximum_of(NumberType::kFloat32), 0);
}

}  // namespace
}  // namespace potluck
