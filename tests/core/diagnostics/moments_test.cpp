// SPDX-License-Identifier: Apache-2.0
#include "core/diagnostics/moments.h"

#include <gtest/gtest.h>

#include <cmath>

namespace potluck {
namespace {

TEST(MomentsTest, GivesMeanAndVarianceOfEachElement) {
  Moments moments(2);
  for (const auto& row : {std::vector<double>{1, 10}, {2, 10}, {6, 10}}) moments.add(row.data());
  EXPECT_EQ(moments.count(), 3);
  EXPECT_DOUBLE_EQ(moments.mean(0), 3);
  EXPECT_DOUBLE_EQ(moments.variance(0), 7);  // (4 + 1 + 9) / 2
  EXPECT_DOUBLE_EQ(moments.mean(1), 10);
  EXPECT_DOUBLE_EQ(moments.sd(1), 0);
}

TEST(MomentsTest, MergingIsAddingTheRows) {
  Moments all(1), first(1), second(1), empty(1);
  for (int i = 0; i < 100; ++i) {
    const float value = static_cast<float>(i * i % 17);
    all.add(&value);
    (i < 30 ? first : second).add(&value);
  }
  first.merge(second);
  first.merge(empty);
  empty.merge(first);
  for (const Moments* merged : {&first, &empty}) {
    EXPECT_EQ(merged->count(), 100);
    EXPECT_NEAR(merged->mean(0), all.mean(0), 1e-13);
    EXPECT_NEAR(merged->variance(0), all.variance(0), 1e-12);
  }
}

TEST(MomentsTest, AnyOrderOfMergingGivesTheSameUpToRounding) {
  // 16 parts of different lengths and places, far from zero: merged from left to right, from right to left, in pairs.
  Moments all(1);
  std::vector<Moments> parts(16, Moments(1));
  for (int i = 0; i < 2000; ++i) {
    const double value = 1e6 + (i * 7919 % 1013) * 0.01 + (i < 300 ? 5 : 0);
    all.add(&value);
    parts[static_cast<size_t>(i * i % 16 + i % 7 / 6)].add(&value);
  }
  Moments left(1), right(1);
  for (const Moments& part : parts) left.merge(part);
  for (auto part = parts.rbegin(); part != parts.rend(); ++part) right.merge(*part);
  for (size_t step = 1; step < parts.size(); step *= 2) {
    for (size_t i = 0; i + step < parts.size(); i += 2 * step) parts[i].merge(parts[i + step]);
  }
  for (const Moments* merged : {&left, &right, &parts[0]}) {
    EXPECT_EQ(merged->count(), 2000);
    EXPECT_NEAR(merged->mean(0), all.mean(0), 1e-8);  // 2000 roundings of 1e-16 of the mean
    EXPECT_NEAR(merged->variance(0), all.variance(0), 1e-8 * all.variance(0));
  }
}

TEST(MomentsTest, KeepsItsDigitsFarFromZero) {
  // 1e9 + {0, 1, 2}: variance 1. The sum of squares minus the square of the sum would keep none of it.
  Moments moments(1);
  for (const double value : {1e9, 1e9 + 1, 1e9 + 2}) moments.add(&value);
  EXPECT_NEAR(moments.variance(0), 1, 1e-9);
}

TEST(MomentsTest, IsNotANumberWithoutRows) {
  Moments moments(1);
  EXPECT_TRUE(std::isnan(moments.mean(0)));
  const int64_t one = 1;
  moments.add(&one);
  EXPECT_EQ(moments.mean(0), 1);
  EXPECT_TRUE(std::isnan(moments.variance(0)));
}

}  // namespace
}  // namespace potluck
