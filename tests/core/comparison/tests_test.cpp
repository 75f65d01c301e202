// SPDX-License-Identifier: Apache-2.0
// How often each test accuses rows of one law, and what it says of rows of two.
#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <vector>

#include "core/comparison/energy_distance.h"
#include "core/comparison/holm.h"
#include "core/comparison/maximum_mean_discrepancy.h"
#include "core/comparison/nearest_neighbour_test.h"
#include "core/comparison/pair_distances.h"
#include "core/comparison/sliced_wasserstein.h"
#include "core/comparison/stein_discrepancy.h"
#include "tests/core/comparison/normal_rows.h"

namespace potluck::testing {
namespace {

constexpr int64_t kRepeats = 1000;
constexpr int64_t kPermutations = 99;

/// Of kRepeats tests that accuse at 5 %, each of its own, so many do: within 6 standard errors of the binomial law.
bool accuses_at_5_percent(int64_t accusations) {
  const double mean = 0.05 * kRepeats, sd = std::sqrt(0.05 * 0.95 * kRepeats);
  return std::abs(static_cast<double>(accusations) - mean) <= 6 * sd;
}
bool accuses_at_5_percent_at_most(int64_t accusations) {
  return static_cast<double>(accusations) <= 0.05 * kRepeats + 6 * std::sqrt(0.05 * 0.95 * kRepeats);
}

struct Accusations {
  int64_t mmd = 0, energy = 0, sliced = 0, classifier = 0;
};

/// @param copies  of each row of the first sample: more than 1, and the rows depend on each other
Accusations accusations(uint64_t seed, int64_t copies, double shift) {
  ThreadPool threads(1);
  std::mt19937_64 engine(seed);
  Accusations found;
  for (int64_t repeat = 0; repeat < kRepeats; ++repeat) {
    const Rows independent = normal_rows(engine, 32 / copies, 2);
    Rows first{2, {}};
    for (int64_t copy = 0; copy < copies; ++copy) first = pooled(first, independent);
    const Rows rows = pooled(first, normal_rows(engine, 28, 2, shift));
    const auto number = static_cast<uint32_t>(repeat);
    const PairDistances distances(rows, threads);
    const Relabellings relabellings(first.count(), 28, kPermutations, number);
    const Resampled mmd = maximum_mean_discrepancy(distances, relabellings, threads);
    EXPECT_EQ(mmd.value > mmd.level, mmd.p <= kTestLevel);
    found.mmd += mmd.p <= kTestLevel ? 1 : 0;
    found.energy += energy_distance(distances, relabellings, threads).p <= kTestLevel ? 1 : 0;
    found.sliced += sliced_wasserstein(rows, relabellings, 16, number, threads).p <= kTestLevel ? 1 : 0;
    const ClassifierTest classifier = nearest_neighbour_test(distances, first.count(), number, threads);
    EXPECT_EQ(classifier.accuracy > classifier.level, classifier.p <= kTestLevel);
    found.classifier += classifier.p <= kTestLevel ? 1 : 0;
  }
  return found;
}

TEST(TwoSampleTest, AccusesRowsOfOneLawAsOftenAsItSays) {
  const Accusations of_one_law = accusations(1, 1, 0);
  EXPECT_TRUE(accuses_at_5_percent(of_one_law.mmd)) << of_one_law.mmd;
  EXPECT_TRUE(accuses_at_5_percent(of_one_law.energy)) << of_one_law.energy;
  EXPECT_TRUE(accuses_at_5_percent(of_one_law.sliced)) << of_one_law.sliced;
  // A number of hits has no level of exactly 5 %: it is below.
  EXPECT_TRUE(accuses_at_5_percent_at_most(of_one_law.classifier)) << of_one_law.classifier;
  EXPECT_GT(of_one_law.classifier, 0);
}

TEST(TwoSampleTest, RowsThatDependOnEachOtherAreAccusedTooOften) {
  // The broken twin: each row of the first sample is there four times, as draws of a chain that hardly moves would be.
  const Accusations of_copies = accusations(2, 4, 0);
  EXPECT_FALSE(accuses_at_5_percent(of_copies.mmd)) << of_copies.mmd;
  EXPECT_FALSE(accuses_at_5_percent(of_copies.energy)) << of_copies.energy;
  EXPECT_FALSE(accuses_at_5_percent(of_copies.sliced)) << of_copies.sliced;
  EXPECT_FALSE(accuses_at_5_percent_at_most(of_copies.classifier)) << of_copies.classifier;
}

TEST(TwoSampleTest, RowsOfTwoLawsAreAccused) {
  // Means that are 1.5 apart, of 32 and 28 rows: 5.8 standard errors of their difference.
  const Accusations of_two_laws = accusations(3, 1, 1.5);
  for (const int64_t one : {of_two_laws.mmd, of_two_laws.energy, of_two_laws.sliced}) EXPECT_GT(one, kRepeats * 9 / 10);
  // Judged by half of the rows, and right with a probability of about Phi(.75) = .77: 4.5 of 15 pairs too many.
  EXPECT_GT(of_two_laws.classifier, kRepeats / 2);
}

TEST(ResampledTest, CountsNumbersAtOrAboveTheValue) {
  std::vector<double> values = {7};
  for (int i = 1; i <= 19; ++i) values.push_back(i);
  // 7 ... 19 are at or above 7. The first of the 20 p-values that is not above 5 % needs none above: level 19.
  EXPECT_EQ(resampled(values).p, 14.0 / 20);
  EXPECT_EQ(resampled(values).level, 19);
  values[0] = 19.5;
  EXPECT_EQ(resampled(values).p, 1.0 / 20);
}

TEST(NearestNeighbourTest, ItsAccuracyIsThatOfTheBestClassifierOrALittleBelow) {
  // Means that are d apart are told apart by the best classifier with the accuracy Phi(d / 2). The error of k nearest
  // neighbours is at most 1 + .34 / sqrt(k) times the best one's (Devroye, Gyorfi & Lugosi 1996, theorem 5.6, for many
  // rows); 1 + 1 / sqrt(k) leaves room for 400 of them.
  constexpr double kShift = 2, kBest = 0.8413447;  // Phi(1)
  ThreadPool threads(1);
  const auto mean_accuracy = [&](double shift) {
    std::mt19937_64 engine(5);
    double sum = 0;
    for (uint32_t repeat = 0; repeat < 20; ++repeat) {
      const PairDistances distances(pooled(normal_rows(engine, 400, 1), normal_rows(engine, 400, 1, shift)), threads);
      const ClassifierTest found = nearest_neighbour_test(distances, 400, repeat, threads);
      EXPECT_EQ(found.judged, 400);
      EXPECT_EQ(found.neighbours, 19);  // below sqrt(400) and odd
      sum += found.accuracy / 20;
    }
    return sum;
  };
  const double standard_error = std::sqrt(kBest * (1 - kBest) / (20 * 400));
  const double least = 1 - (1 - kBest) * (1 + 1 / std::sqrt(19.0));
  const double found = mean_accuracy(kShift);
  EXPECT_LE(found, kBest + 6 * standard_error);
  EXPECT_GE(found, least - 6 * standard_error);
  // The broken twin: means that are 1.2 apart, Phi(.6) = .73.
  EXPECT_LT(mean_accuracy(1.2), least - 6 * standard_error);
}

TEST(NearestNeighbourTest, RowsThatAreAllTheSameAreNotToldApart) {
  // All distances are 0: the order of the training rows is random, and says nothing of the sample.
  ThreadPool threads(1);
  const PairDistances distances(Rows{1, std::vector<double>(800, 3)}, threads);
  const ClassifierTest found = nearest_neighbour_test(distances, 400, 1, threads);
  EXPECT_EQ(found.accuracy, 0.5);  // all are called the same
  EXPECT_EQ(found.p, 1);
}

TEST(FisherTest, TailsByHand) {
  // The lady who tastes tea (Fisher 1935): of 8 cups she names 4. All are right in 1 of 70 ways, 3 or more in 17.
  EXPECT_NEAR(fisher_tail(4, 4, 4, 4), 1.0 / 70, 1e-12);
  EXPECT_NEAR(fisher_tail(3, 4, 4, 4), 17.0 / 70, 1e-12);
  EXPECT_NEAR(fisher_tail(0, 4, 4, 4), 1, 1e-12);
  EXPECT_NEAR(fisher_tail(4, 4, 4, 8), 1, 1e-12);  // all are called: all that are there are hit
  EXPECT_EQ(fisher_tail(1, 4, 4, 0), 0);
  // Of 9 of 10 + 10: (C(10,7) C(10,2) + C(10,8) C(10,1) + C(10,9)) / C(20,9). As many right, 15 of 20, as tosses of a
  // coin have with the probability .0207: that is another law.
  EXPECT_NEAR(fisher_tail(7, 10, 10, 9), 5860.0 / 167960, 1e-12);
}

TEST(HolmTest, AdjustsTheSmallestForAllAndTheLargestForItself) {
  EXPECT_EQ(holm({0.01, 0.04, 0.03}), (std::vector<double>{0.03, 0.06, 0.06}));
  EXPECT_EQ(holm({0.5, 0.9}), (std::vector<double>{1, 1}));
  EXPECT_TRUE(holm({}).empty());
}

// ------------------------------------------------------------------------------------------- the Stein discrepancy

Resampled from_normal(const Rows& rows, double variance, uint32_t seed, int64_t resamplings, ThreadPool& threads) {
  std::vector<double> scores;
  for (const double x : rows.values) scores.push_back(-x / variance);
  return stein_discrepancy(rows, scores, resamplings, seed, threads);
}

TEST(SteinDiscrepancyTest, OfRowsOfTheLawItIsZeroAndAccusesAsOftenAsItSays) {
  ThreadPool threads(1);
  std::mt19937_64 engine(6);
  std::vector<double> values, of_twin;
  int64_t accused = 0, below_half = 0;
  for (int64_t repeat = 0; repeat < kRepeats; ++repeat) {
    const Rows rows = normal_rows(engine, 60, 2);
    const Resampled found = from_normal(rows, 1, static_cast<uint32_t>(repeat), kPermutations, threads);
    values.push_back(found.value);
    accused += found.p <= kTestLevel ? 1 : 0;
    below_half += found.p <= 0.5 ? 1 : 0;
    of_twin.push_back(from_normal(rows, 1.3, 1, kLeastPermutations, threads).value);
  }
  const MeanOfRepeats mean = mean_of(values), twin = mean_of(of_twin);
  EXPECT_NEAR(mean.mean, 0, 6 * mean.standard_error);
  EXPECT_GT(twin.mean, 6 * twin.standard_error);
  EXPECT_TRUE(accuses_at_5_percent(accused)) << accused;
  EXPECT_NEAR(static_cast<double>(below_half), kRepeats / 2.0, 6 * std::sqrt(kRepeats / 4.0));
}

TEST(SteinDiscrepancyTest, AVarianceThatIsOffByThirtyPercentIsAccused) {
  // The variance of 2000 numbers is known to sqrt(2/2000) = 3 %: 1.3 is 9 standard errors away.
  ThreadPool threads(1);
  std::mt19937_64 engine(7);
  const Rows rows = normal_rows(engine, 1000, 2);
  EXPECT_GT(from_normal(rows, 1, 1, 199, threads).p, 0.005);
  EXPECT_EQ(from_normal(rows, 1.3, 1, 199, threads).p, 1.0 / 200);
  EXPECT_EQ(from_normal(rows, 1 / 1.3, 1, 199, threads).p, 1.0 / 200);
}

TEST(SteinDiscrepancyTest, HasTheSameBitsWhateverTheThreads) {
  std::mt19937_64 engine(8);
  const Rows rows = normal_rows(engine, 150, 3);
  ThreadPool one(1), three(3);
  const Resampled a = from_normal(rows, 1.2, 1, 50, one), b = from_normal(rows, 1.2, 1, 50, three);
  EXPECT_EQ(a.value, b.value);
  EXPECT_EQ(a.level, b.level);
  EXPECT_EQ(a.p, b.p);
}

}  // namespace
}  // namespace potluck::testing
