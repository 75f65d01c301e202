// SPDX-License-Identifier: Apache-2.0
#include "core/learning/auroc.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>

namespace potluck {
namespace {

TEST(AurocTest, CountsThePairsInWhichTheFirstIsAbove) {
  // Of the nine pairs 2 > 1, 3 > 1 and 3 > 2 count one each, 2 = 2 and 3 = 3 a half each.
  EXPECT_DOUBLE_EQ(auroc({0, 2, 3}, {1, 2, 3}).value, 4.0 / 9);
  EXPECT_DOUBLE_EQ(auroc({2, 3}, {1}).value, 1);
  EXPECT_DOUBLE_EQ(auroc({1}, {2, 3}).value, 0);
  EXPECT_DOUBLE_EQ(auroc({1, 1}, {1, 1, 1}).value, 0.5);
  EXPECT_DOUBLE_EQ(auroc({INFINITY}, {1, INFINITY}).value, 0.75);
  EXPECT_TRUE(std::isnan(auroc({1, std::nan("")}, {1}).value));
}

TEST(AurocTest, GroupsOfOneLawAreWithinTheStandardErrorAndShiftedOnesAreNot) {
  std::mt19937_64 engine(1);
  std::normal_distribution<double> normal;
  double squares = 0;
  constexpr int kRepeats = 400;
  std::vector<double> first(60), second(90);
  double error = 0;
  for (int repeat = 0; repeat < kRepeats; ++repeat) {
    for (double& one : first) one = normal(engine);
    for (double& one : second) one = normal(engine);
    const Auroc found = auroc(first, second);
    error = found.standard_error;
    squares += (found.value - 0.5) * (found.value - 0.5) / (error * error);
  }
  // sqrt((60 + 90 + 1)/(12 60 90)) = .0483
  EXPECT_NEAR(error, 0.0483, 1e-4);
  // A mean of 400 squares of nearly normal numbers has the standard deviation sqrt(2/400) = .071.
  EXPECT_NEAR(squares / kRepeats, 1, 6 * 0.071);
  for (double& one : first) one += 1;
  EXPECT_GT(auroc(first, second).value, 0.5 + 4 * error);
}

}  // namespace
}  // namespace potluck
