// SPDX-License-Identifier: Apache-2.0
#include "core/diagnostics/energy_shares.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "core/error.h"

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

// Two chains of 40 states each, summed about their first states as core/chains/energy_sums.h says, against all states
// one by one, and the same merged. The twin leaves out that the chains have means of their own.
TEST(EnergySharesTest, OfSumsOverStepsAreThoseOfEveryState) {
  std::mt19937_64 engine(4);
  std::normal_distribution<double> normal;
  EnergyShares one_by_one(2), summed(2), merged(2), centred(2);
  for (int chain = 0; chain < 2; ++chain) {
    double sums[11][3] = {};  // column 1 of 3
    EnergyShares own(2);
    for (int step = 0; step < 40; ++step) {
      const double experts[] = {1e7 + 3 * chain + normal(engine), chain + 2 * normal(engine)};
      const double energies[] = {experts[0] + experts[1], experts[0], experts[1]};
      const int first[] = {0, 3, 7};
      for (int i = 0; i < 3; ++i) {
        if (step == 0) sums[first[i]][1] = energies[i];
        const double apart = energies[i] - sums[first[i]][1];
        sums[first[i] + 1][1] += apart;
        sums[first[i] + 2][1] += apart * apart;
        if (i > 0) sums[first[i] + 3][1] += apart * (energies[0] - sums[0][1]);
      }
      one_by_one.add(energies[0], experts);
      own.add(energies[0], experts);
    }
    summed.add_steps(40, &sums[0][1], 3);
    merged.merge(own);
    sums[0][1] = sums[3][1] = sums[7][1] = 0;
    centred.add_steps(40, &sums[0][1], 3);
  }
  for (const int expert : {0, 1}) {
    EXPECT_NEAR(summed.share(expert), one_by_one.share(expert), 1e-9);
    EXPECT_NEAR(merged.share(expert), one_by_one.share(expert), 1e-9);
    EXPECT_GT(std::abs(centred.share(expert) - one_by_one.share(expert)), 1e-3);
  }
  EXPECT_EQ(summed.moments().count, 80);
}

TEST(EnergySharesTest, OfOtherExpertsCannotBeMerged) {
  EnergyShares all(2);
  try {
    all.merge(EnergyShares(3));
    FAIL();
  } catch (const SettingError& error) {
    EXPECT_STREQ(error.what(), "EnergyShares: what is merged must have the same 2 experts, got 3");
  }
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
