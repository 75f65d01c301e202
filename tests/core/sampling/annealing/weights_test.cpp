// SPDX-License-Identifier: Apache-2.0
#include "core/sampling/annealing/weights.h"

#include <gtest/gtest.h>

#include <cmath>

namespace potluck {
namespace {

const double kNothing = -INFINITY;

TEST(WeightsTest, AreAveragedInLogs) {
  EXPECT_DOUBLE_EQ(log_mean_exp({std::log(1.0), std::log(3.0)}), std::log(2.0));
  EXPECT_DOUBLE_EQ(log_mean_exp({2000, kNothing}), 2000 - std::log(2.0));
  EXPECT_EQ(log_mean_exp({kNothing, kNothing}), kNothing);
}

// (1 + 3)^2 / (2 (1 + 9)) = .8
TEST(WeightsTest, HaveAnEffectiveShare) {
  EXPECT_DOUBLE_EQ(effective_share({0, std::log(3.0)}), 0.8);
  EXPECT_DOUBLE_EQ(effective_share({-800, -800, kNothing, kNothing}), 0.5);
  EXPECT_EQ(effective_share({kNothing, kNothing}), 0);
}

// Weights 1/4, 3/4 and increments 1, 1/2: (1/4 + 3/8)^2 / (1/4 + 3/16) = 25/28.
TEST(WeightsTest, HaveAConditionalShare) {
  EXPECT_DOUBLE_EQ(conditional_share({0, std::log(3.0)}, {0, std::log(2.0)}, 1), 25.0 / 28);
  // Without density in the target: what is left is the weight of the others.
  EXPECT_DOUBLE_EQ(conditional_share({0, std::log(3.0)}, {0, INFINITY}, 0), 0.25);
  EXPECT_EQ(conditional_share({0, 0}, {INFINITY, INFINITY}, 0), 0);
}

// Weights 1, 0, 2, 1 of 4: particle i descends from where (i + u)/4 of the sum falls.
TEST(WeightsTest, ChooseAncestorsSystematically) {
  const std::vector<double> log_weight = {0, kNothing, std::log(2.0), 0};
  EXPECT_EQ(systematic_ancestors(log_weight, 0.5), (std::vector<int64_t>{0, 2, 2, 3}));
  EXPECT_EQ(systematic_ancestors({0, 0, std::log(6.0), kNothing}, 0.9), (std::vector<int64_t>{1, 2, 2, 2}));
  EXPECT_EQ(systematic_ancestors({0, 0, std::log(6.0), kNothing}, 0.1), (std::vector<int64_t>{0, 2, 2, 2}));
}

}  // namespace
}  // namespace potluck
