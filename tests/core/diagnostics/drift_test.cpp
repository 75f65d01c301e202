// SPDX-License-Identifier: Apache-2.0
#include "core/diagnostics/drift.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <vector>

#include "core/diagnostics/normal_score.h"

namespace potluck {
namespace {

/// Stationary x' = phi x + sqrt(1 - phi^2) z of unit variance, and in all chains an offset that falls by 1/e in `time`
/// draws. [chains, draws]
std::vector<double> chains_of(std::mt19937_64& engine, int64_t chains, int64_t draws, double phi, double offset,
                              double time) {
  std::normal_distribution<double> normal;
  std::vector<double> values;
  for (int64_t chain = 0; chain < chains; ++chain) {
    double x = normal(engine);
    for (int64_t draw = 0; draw < draws; ++draw) {
      values.push_back(x + offset * std::exp(-static_cast<double>(draw) / time));
      x = phi * x + std::sqrt(1 - phi * phi) * normal(engine);
    }
  }
  return values;
}

/// The joint score of 25 numbers.
double worst_of(uint64_t seed, int64_t chains, double phi, double offset) {
  constexpr int64_t kNumbers = 25, kDraws = 400;
  std::mt19937_64 engine(seed);
  double worst = 0;
  for (int64_t i = 0; i < kNumbers; ++i) {
    const std::vector<double> values = chains_of(engine, chains, kDraws, phi, offset, 60);
    const double score = drift_of({values, chains, kDraws}).score;
    if (std::abs(score) > std::abs(worst)) worst = score;
  }
  return joint_score(worst, kNumbers);
}

TEST(DriftTest, SettledChainsAreNotAccusedAndDriftingOnesAre) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    EXPECT_LT(std::abs(worst_of(seed, 32, 0.8, 0)), kDoubtfulScore) << seed;
    EXPECT_LT(std::abs(worst_of(seed, 4, 0.8, 0)), kDoubtfulScore) << seed;
  }
  // The broken twins: 32 chains are 0.7 too high in the mean of the first tenth, of which a mean over 32 * 40 draws, 9
  // steps of memory each, is off by .09 at random.
  for (uint64_t seed = 1; seed <= 20; ++seed) EXPECT_GT(worst_of(seed, 32, 0.8, 1), kSureScore) << seed;
  EXPECT_GT(worst_of(1, 4, 0.8, 5), kSureScore);
}

TEST(DriftTest, SaysHowLongItLasts) {
  // 64 chains of independent draws. An offset of 1 with a time of 60 draws is .02 after the fourth tenth of 600, where
  // three standard errors of a mean over 64 * 60 draws are .05.
  std::mt19937_64 engine(3);
  const std::vector<double> values = chains_of(engine, 64, 600, 0, 1, 60);
  const Drift found = drift_of({values, 64, 600});
  EXPECT_GE(found.tenths, 3);
  EXPECT_LE(found.tenths, 4);
  // The mean of exp(-t/60) over t = 0 ... 59 is (1 - 1/e) / (1 - exp(-1/60)) / 60 = .637.
  EXPECT_NEAR(found.first, 0.637, 6 / std::sqrt(64.0 * 60));
  EXPECT_NEAR(found.last, 0, 6 / std::sqrt(64.0 * 300));
}

TEST(DriftTest, ATrendThatNeverEndsIsSaidToFillTheFirstHalf) {
  std::vector<double> values;
  std::mt19937_64 engine(4);
  std::normal_distribution<double> normal;
  for (int64_t chain = 0; chain < 32; ++chain)
    for (int64_t draw = 0; draw < 500; ++draw) values.push_back(normal(engine) + 0.02 * static_cast<double>(draw));
  EXPECT_EQ(drift_of({values, 32, 500}).tenths, 5);
}

TEST(DriftTest, SuperchainsCountOnce) {
  // 64 chains that are 2 groups of copies, of about 5 effective draws each, know no more than two chains.
  std::mt19937_64 engine(5);
  const std::vector<double> two = chains_of(engine, 2, 100, 0.9, 0.6, 10);
  std::vector<double> values;
  std::vector<int64_t> group;
  for (int64_t chain = 0; chain < 64; ++chain) {
    group.push_back(chain / 32);
    values.insert(values.end(), two.begin() + chain / 32 * 100, two.begin() + (chain / 32 + 1) * 100);
  }
  EXPECT_TRUE(std::isnan(drift_of({values, 64, 100}, group).score));
}

TEST(DriftTest, IsUnknownWhereNothingCanBeSaid) {
  const std::vector<double> few(64 * 19, 1.0), still(64 * 40, 1.0);
  EXPECT_TRUE(std::isnan(drift_of({few, 64, 19}).score));
  EXPECT_TRUE(std::isnan(drift_of({still, 64, 40}).score));
  std::vector<double> broken(64 * 40, 1.0);
  broken[7] = std::nan("");
  EXPECT_TRUE(std::isnan(drift_of({broken, 64, 40}).score));
}

}  // namespace
}  // namespace potluck
