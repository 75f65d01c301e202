// SPDX-License-Identifier: Apache-2.0
// MMD, energy distance, sliced Wasserstein and Frechet distances against their closed forms.
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <numbers>
#include <random>
#include <vector>

#include "core/comparison/energy_distance.h"
#include "core/comparison/frechet_distance.h"
#include "core/comparison/maximum_mean_discrepancy.h"
#include "core/comparison/pair_distances.h"
#include "core/comparison/sliced_wasserstein.h"
#include "tests/core/comparison/normal_rows.h"

namespace potluck::testing {
namespace {

constexpr int64_t kRepeats = 1000;

/// E k(X, Y) of X ~ N(0, v I), Y ~ N(shift e_0, w I) under the kernel exp(-r^2 / (2 h^2)): the difference is
/// N(shift, (v + w) I), and the integral of two Gaussians is one again.
double mean_kernel(double shift, double variances, double bandwidth, int64_t size) {
  const double squares = bandwidth * bandwidth + variances;
  return std::pow(bandwidth * bandwidth / squares, static_cast<double>(size) / 2) *
         std::exp(-shift * shift / (2 * squares));
}

double squared_mmd(double shift, double v, double w, double median, int64_t size) {
  double sum = 0;
  for (const double one : kMmdBandwidths) {
    const double h = one * median;
    sum += mean_kernel(0, 2 * v, h, size) + mean_kernel(0, 2 * w, h, size) - 2 * mean_kernel(shift, v + w, h, size);
  }
  return sum;
}

TEST(MaximumMeanDiscrepancyTest, HasTheMeanOfTheClosedFormOfTwoNormals) {
  ThreadPool threads(1);
  std::mt19937_64 engine(1);
  std::vector<double> off, off_without_shift, off_of_biased;
  for (int64_t repeat = 0; repeat < kRepeats; ++repeat) {
    constexpr int64_t kFirst = 60, kSecond = 80, kSize = 3;
    const Rows rows = pooled(normal_rows(engine, kFirst, kSize), normal_rows(engine, kSecond, kSize, 0.7, 1.2));
    const PairDistances distances(rows, threads);
    const double found =
        maximum_mean_discrepancy(distances, Relabellings(kFirst, kSecond, kLeastPermutations, 1), threads).value;
    const double median = distances.median();
    off.push_back(found - squared_mmd(0.7, 1, 1.44, median, kSize));
    off_without_shift.push_back(found - squared_mmd(0.5, 1, 1.44, median, kSize));
    // With pairs of a row with itself, whose kernel is 3, the mean m of n (n - 1) pairs becomes m + (3 - m) / n. Of
    // both samples m is below 2 here: the closed form of the narrower one, at the bandwidths 1/2, 1 and 2 medians.
    off_of_biased.push_back(off.back() + 1.0 / kFirst + 1.0 / kSecond);
  }
  const MeanOfRepeats mean = mean_of(off), twin = mean_of(off_without_shift), biased = mean_of(off_of_biased);
  EXPECT_NEAR(mean.mean, 0, 6 * mean.standard_error);
  // The broken twins: another shift, and pairs of a row with itself.
  EXPECT_GT(std::abs(twin.mean), 6 * twin.standard_error);
  EXPECT_GT(std::abs(biased.mean), 6 * biased.standard_error);
}

TEST(PairDistancesTest, TheirMedianIsThatOfRowsThatDiffer) {
  ThreadPool threads(1);
  // 0 and 1 against 3 and 3: the distances 1, 3, 3, 2, 2, and 0, which does not count.
  const PairDistances distances(Rows{1, {0, 1, 3, 3}}, threads);
  EXPECT_EQ(distances.row(0)[2], 3);
  EXPECT_EQ(distances.row(2)[0], 3);
  EXPECT_EQ(distances.row(2)[3], 0);
  EXPECT_EQ(distances.median(), 2);
  EXPECT_EQ(PairDistances(Rows{1, {3, 3, 3}}, threads).median(), 1);
}

TEST(EnergyDistanceTest, HasTheMeanOfTheClosedFormOfTwoNormals) {
  // |N(d, t^2)| has the mean t sqrt(2/pi) exp(-d^2 / (2 t^2)) + d erf(d / (t sqrt 2)).
  const auto mean_distance = [](double d, double t) {
    return t * std::sqrt(2 / std::numbers::pi) * std::exp(-d * d / (2 * t * t)) +
           d * std::erf(d / (t * std::numbers::sqrt2));
  };
  const auto expected = [&](double d, double sd) {
    return 2 * mean_distance(d, std::sqrt(1 + sd * sd)) - mean_distance(0, std::numbers::sqrt2) -
           mean_distance(0, sd * std::numbers::sqrt2);
  };
  ThreadPool threads(1);
  std::mt19937_64 engine(2);
  std::vector<double> values;
  for (int64_t repeat = 0; repeat < kRepeats; ++repeat) {
    const Rows rows = pooled(normal_rows(engine, 60, 1), normal_rows(engine, 80, 1, 0.6, 1.5));
    values.push_back(
        energy_distance(PairDistances(rows, threads), Relabellings(60, 80, kLeastPermutations, 1), threads).value);
  }
  const MeanOfRepeats found = mean_of(values);
  EXPECT_NEAR(found.mean, expected(0.6, 1.5), 6 * found.standard_error);
  // The broken twins: another shift, and means that count each row's distance 0 to itself, a share 1 / n of the pairs.
  EXPECT_GT(std::abs(found.mean - expected(0.75, 1.5)), 6 * found.standard_error);
  const double bias = mean_distance(0, std::numbers::sqrt2) * (1 / 60.0 + 1.5 / 80.0);
  EXPECT_GT(std::abs(found.mean - (expected(0.6, 1.5) + bias)), 6 * found.standard_error);
}

TEST(SlicedWassersteinTest, OfShiftedRowsIsTheMeanSquareOfTheShiftAlongADirection) {
  // Rows that are shifted by d are (u d)^2 apart along u, exactly. Its mean over the sphere is |d|^2 / D, its variance
  // |d|^4 (3 / (D (D + 2)) - 1 / D^2).
  constexpr int64_t kSize = 5, kDirections = 4000;
  ThreadPool threads(1);
  std::mt19937_64 engine(3);
  const Rows first = normal_rows(engine, 30, kSize);
  Rows second = first;
  for (int64_t i = 0; i < second.count(); ++i) {
    second.values[static_cast<size_t>(i * kSize)] += 3;
    second.values[static_cast<size_t>(i * kSize + 1)] += 4;
  }
  const double found =
      sliced_wasserstein(pooled(first, second), Relabellings(30, 30, kLeastPermutations, 1), kDirections, 1, threads)
          .value;
  const double variance = 625 * (3.0 / (5 * 7) - 1.0 / 25);
  const double standard_error = std::sqrt(variance / kDirections);
  EXPECT_NEAR(found, 25.0 / 5, 6 * standard_error);
  // The broken twin: directions that are not of unit length, but of D numbers of variance 1 / (D - 1).
  EXPECT_GT(std::abs(found - 25.0 / 4), 6 * standard_error);
}

TEST(SlicedWassersteinTest, OfSamplesOfDifferentSizesIsThatOfTheirQuantiles) {
  // 0, 2 against 0, 1, 5. Over q: [0, 1/3) 0 - 0, [1/3, 1/2) 0 - 1, [1/2, 2/3) 2 - 1, [2/3, 1) 2 - 5, so that the
  // integral of squares is 1/6 + 1/6 + 9/3. In one dimension all directions are +1 or -1.
  ThreadPool threads(1);
  const Rows rows{1, {2, 0, 5, 0, 1}};
  EXPECT_NEAR(sliced_wasserstein(rows, Relabellings(2, 3, kLeastPermutations, 1), 7, 1, threads).value, 10.0 / 3,
              1e-12);
}

TEST(FrechetDistanceTest, IsThatOfTheFittedNormals) {
  // Covariances 4/3 diag(1, 4) and 4/3 diag(4, 1) commute: 3^2 + 4/3 ((1 - 2)^2 + (2 - 1)^2).
  const Rows first{2, {1, 2, 1, -2, -1, 2, -1, -2}};
  const Rows second{2, {5, 1, 5, -1, 1, 1, 1, -1}};
  EXPECT_NEAR(squared_frechet_distance(first, second), 9 + 8.0 / 3, 1e-9);
  EXPECT_NEAR(squared_frechet_distance(first, first), 0, 1e-7);
  // Covariances that do not: with B turned by 45 degrees. The eigenvalues of (A^1/2 B A^1/2)^1/2 of 2 x 2 matrices add
  // up to sqrt(tr AB + 2 sqrt(det AB)). A = 4/3 diag(1, 4), B = 4/3 [[2.5, 1.5], [1.5, 2.5]]: tr AB = 16/9 12.5,
  // det AB = (16/9)^2 16; tr A = tr B = 20/3.
  Rows turned = second;
  for (size_t i = 0; i < turned.values.size(); i += 2) {
    const double x = second.values[i] - 3, y = second.values[i + 1];
    turned.values[i] = (x - y) / std::numbers::sqrt2;
    turned.values[i + 1] = (x + y) / std::numbers::sqrt2;
  }
  EXPECT_NEAR(squared_frechet_distance(first, turned), 40.0 / 3 - 2 * 4.0 / 3 * std::sqrt(12.5 + 2 * 4), 1e-9);
}

TEST(ComparisonTest, DistancesAndTheirLevelsHaveTheSameBitsWhateverTheThreads) {
  std::mt19937_64 engine(4);
  const Rows rows = pooled(normal_rows(engine, 150, 7), normal_rows(engine, 123, 7, 0.2));
  const Relabellings relabellings(150, 123, 50, 9);
  ThreadPool one(1), three(3);
  const PairDistances distances(rows, one), others(rows, three);
  for (int64_t i = 0; i < rows.count(); ++i)
    for (int64_t j = 0; j < rows.count(); ++j) ASSERT_EQ(distances.row(i)[j], others.row(i)[j]);
  const auto same = [](const Resampled& a, const Resampled& b) {
    EXPECT_EQ(a.value, b.value);
    EXPECT_EQ(a.level, b.level);
    EXPECT_EQ(a.p, b.p);
  };
  same(maximum_mean_discrepancy(distances, relabellings, one),
       maximum_mean_discrepancy(distances, relabellings, three));
  same(energy_distance(distances, relabellings, one), energy_distance(distances, relabellings, three));
  same(sliced_wasserstein(rows, relabellings, 40, 9, one), sliced_wasserstein(rows, relabellings, 40, 9, three));
  // Another seed relabels otherwise.
  EXPECT_NE(energy_distance(distances, relabellings, one).level,
            energy_distance(distances, Relabellings(150, 123, 50, 10), one).level);
}

}  // namespace
}  // namespace potluck::testing
