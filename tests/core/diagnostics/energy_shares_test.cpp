// SPDX-License-Identifier: Apache-2.0
#include "core/diagnostics/energy_shares.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

namespace potluck {
namespace {

/// Two independent experts of standard deviations 1 and 2 in E = weight E_1 + E_2, and a third that does not vary.
EnergyShares shares(double weight, int64_t draws) {
  std::mt19937_64 engine(3);
  std::normal_distribution<double> normal;
  EnergyShares all(3);
  for (int64_t i = 0; i < draws; ++i) {
    const double first = 1e6 + normal(engine), second = 2 * normal(engine), experts[] = {first, second, 7};
    all.add(weight * first + second, experts);
  }
  return all;
}

// Var(E) = weight^2 + 4: the shares are weight^2 and 4 of it. A squared correlation r^2 has a standard error of
// 2 r (1 - r^2) / sqrt(draws), at most .77 / sqrt(draws).
TEST(EnergySharesTest, AreThePartsOfTheVarianceOfIndependentExperts) {
  const double bound = 6 * 0.77 / std::sqrt(40000.0);
  for (const double weight : {1.0, -1.0, 2.0, 0.5}) {
    const EnergyShares found = shares(weight, 40000);
    const double expected = weight * weight / (weight * weight + 4);
    EXPECT_NEAR(found.share(0), expected, bound);
    EXPECT_NEAR(found.share(0) + found.share(1), 1, 2 * bound);
    EXPECT_TRUE(std::isnan(found.share(2)));
    // The twin: the correlation itself.
    EXPECT_GT(std::abs(std::sqrt(found.share(0)) - expected), bound);
  }
}

TEST(EnergySharesTest, OfOneExpertAreOneWhateverItsWeight) {
  EnergyShares all(1);
  for (const double energy : {3.0, 1.0, -2.0}) {
    const double expert = -0.25 * energy;
    all.add(energy, &expert);
  }
  EXPECT_NEAR(all.share(0), 1, 1e-14);
}

TEST(EnergySharesTest, AreUnknownWhereNothingVariesOrAnEnergyIsInfinite) {
  EnergyShares all(2);
  EXPECT_TRUE(std::isnan(all.share(0)));
  for (const double energy : {3.0, 1.0, -2.0}) {
    const double experts[] = {energy, INFINITY};
    all.add(energy, experts);
  }
  EXPECT_NEAR(all.share(0), 1, 1e-14);
  EXPECT_TRUE(std::isnan(all.share(1)));
}

}  // namespace
}  // namespace potluck
