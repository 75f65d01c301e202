// SPDX-License-Identifier: Apache-2.0
#include "core/comparison/independent_draws.h"

#include <gtest/gtest.h>

#include <cmath>

namespace potluck {
namespace {

TEST(IndependentDrawsTest, AChainThatForgetsByAFactorIsSpacedUntilLittleIsLeft) {
  constexpr int64_t kDraws = 100000;
  for (const double factor : {0.1, 0.5, 0.9, 0.99}) {
    const double time = (1 + factor) / (1 - factor);
    const int64_t count = independent_draws(kDraws, time);
    const double spacing = static_cast<double>(kDraws) / static_cast<double>(count);
    EXPECT_LE(std::pow(factor, spacing), kMostCorrelation * 1.0001) << factor;
    // No more are left out than that asks for.
    EXPECT_GT(std::pow(factor, spacing * static_cast<double>(count) / static_cast<double>(count + 1)),
              kMostCorrelation * 0.999)
        << factor;
  }
  // The broken twin: as many as the effective sample size. exp(-2) = 13.5 % are left.
  EXPECT_GT(std::pow(0.99, 1.99 / 0.01), 6 * kMostCorrelation);
}

TEST(IndependentDrawsTest, AtLeastTheLastCountsAndAtMostAll) {
  EXPECT_EQ(independent_draws(7, 1e9), 1);
  EXPECT_EQ(independent_draws(7, 1), 7);
  EXPECT_EQ(independent_draws(7, 0.4), 7);
  EXPECT_EQ(independent_draws(1, 5), 1);
}

}  // namespace
}  // namespace potluck
