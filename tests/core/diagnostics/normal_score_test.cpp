// SPDX-License-Identifier: Apache-2.0
#include "core/diagnostics/normal_score.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace potluck {
namespace {

TEST(NormalScoreTest, IsPassedAsRarelyAsTheT) {
  // Tables: P(t_3 > 5.8409) = .005 = P(z > 2.5758).
  EXPECT_NEAR(normal_score(5.840909, 3), 2.575829, 1e-5);
  EXPECT_NEAR(normal_score(-5.840909, 3), -2.575829, 1e-5);
  EXPECT_EQ(normal_score(0, 3), 0);
  EXPECT_EQ(normal_score(std::numeric_limits<double>::infinity(), 3), 37);
  EXPECT_TRUE(std::isnan(normal_score(std::nan(""), 3)));
}

TEST(NormalScoreTest, TheLargestOfManyIsLessOfASurprise) {
  // Ten times the tail .005 is .05: 1.6449.
  EXPECT_NEAR(joint_score(2.575829, 10), 1.644854, 1e-5);
  EXPECT_NEAR(joint_score(-2.575829, 10), -1.644854, 1e-5);
  EXPECT_NEAR(joint_score(2.575829, 1), 2.575829, 1e-5);
  EXPECT_NEAR(joint_score(1, 1000), 0, 1e-12);  // no evidence
}

}  // namespace
}  // namespace potluck
