// SPDX-License-Identifier: Apache-2.0
// Products, tempering and mixtures, from the text of a composition to draws: n = 10^6 exact starts, 20 moves of MALA.
// Each row's twin is the same check on a composition whose weights or normalisers are ignored, begun at the same
// starts.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "core/error.h"
#include "tests/exactness/composed.h"
#include "tests/exactness/targets.h"

namespace potluck::testing {
namespace {

using ::testing::HasSubstr;

const std::string kOneNumber = R"(
variables: {x: {shape: [1]}}
energies:
  standard: {model: gaussian, settings: {mean: [0], variance: [1]}, inputs: x}
  at_two: {model: gaussian, settings: {mean: [2], variance: [1]}, inputs: x}
  wide_at_four: {model: gaussian, settings: {mean: [4], variance: [4]}, inputs: x}
  wide_at_one: {model: gaussian, settings: {mean: [1], variance: [4]}, inputs: x}
  narrow: {model: gaussian, settings: {mean: [0], variance: [0.25]}, inputs: x}
)";

void expect_normal(const std::string& target, const std::string& broken, const std::string& sample, double mean,
                   double variance) {
  const Composed right(kOneNumber + "target: " + target, sample), twin(kOneNumber + "target: " + broken, sample);
  expect_law(right, twin, *right.exact_draws(), {0}, moments(mean, variance));
}

TEST(CompositionTest, TwoGaussiansMultiplyToTheirPrecisionWeightedMean) {
  // N(0,1) N(2,1) -> N(1, 1/2). Twin: the second expert's weight is zero.
  expect_normal("{product: [standard, at_two]}", "{product: [standard, {energy: at_two, weight: 0}]}", "step_size: 0.3",
                1, 0.5);
}

TEST(CompositionTest, HalfWeightsAverageEnergies) {
  // Precision 1/2 + 1/8 = 0.625, mean (4/8)/0.625 = 0.8, variance 1.6; weights ignored: N(.8, .8).
  expect_normal("{product: [{energy: standard, weight: 0.5}, {energy: wide_at_four, weight: 0.5}]}",
                "{product: [standard, wide_at_four]}", "step_size: 0.8", 0.8, 1.6);
}

TEST(CompositionTest, ANegativeWeightDividesByAnExpert) {
  // Precision 1.5 - 1/8 = 1.375, mean -(1/8)/1.375; weights ignored: N(.2, .8).
  expect_normal("{product: [{energy: standard, weight: 1.5}, {energy: wide_at_one, weight: -0.5}]}",
                "{product: [standard, wide_at_one]}", "step_size: 0.4", -0.125 / 1.375, 1 / 1.375);
}

TEST(CompositionTest, ATemperedExpertHasItsVarianceTimesT) {
  expect_normal("{temper: {energy: standard, temperature: 0.4}}", "standard", "step_size: 0.2", 0, 0.4);
}

TEST(CompositionTest, ADivisionThatLeavesNoPrecisionIsRefusedBeforeSampling) {
  // E[N(0,1)] - 1/2 E[N(0,1/4)]: precision 1 - 2 = -1
  try {
    const Composed composed(kOneNumber + "target: {product: [standard, {energy: narrow, weight: -0.5}]}",
                            "step_size: 0.1");
    FAIL() << "must be refused";
  } catch (const CompositionError& error) {
    EXPECT_THAT(error.what(), HasSubstr("must be integrable"));
    EXPECT_THAT(error.what(), HasSubstr("the precision is not positive definite (least eigenvalue -1)"));
  }
}

TEST(CompositionTest, TwoCorrelatedGaussiansMultiply) {
  const std::string text = R"(
variables: {x: {shape: [2]}}
energies:
  correlated: {model: gaussian, settings: {covariance: [1, 0.8, 0.8, 1]}, inputs: x}
  round: {model: gaussian, settings: {mean: [1, -1], variance: [0.5]}, inputs: x}
target: )";
  // Precision [[1,-.8],[-.8,1]]/.36 + 2 I = [[a,b],[b,a]], a = 4.777778, b = -2.222222; mean P^-1 (2, -2).
  const double a = 1 / 0.36 + 2, b = -0.8 / 0.36, determinant = a * a - b * b;
  Moments expected{Eigen::Vector2d(2 / (a - b), -2 / (a - b)), Eigen::Matrix2d{{a, -b}, {-b, a}} / determinant};
  EXPECT_NEAR(expected.mean(0), 0.285714, 1e-6);
  EXPECT_NEAR(expected.covariance(0, 0), 0.267081, 1e-6);
  EXPECT_NEAR(expected.covariance(0, 1), 0.124224, 1e-6);
  const Composed right(text + "{product: [correlated, round]}", "step_size: 0.1");
  const Composed broken(text + "{product: [correlated, {energy: round, weight: 0}]}", "step_size: 0.1");
  expect_law(right, broken, *right.exact_draws(), {0, 1}, expected);
}

const std::string kTwoDiscs = R"(
variables: {x: {shape: [2]}}
energies:
  small: {model: gaussian, settings: {mean: [-1, 0], variance: [0.25]}, inputs: x}
  large: {model: gaussian, settings: {mean: [1, 0], variance: [1]}, inputs: x}
target: )";

/// Mean and covariance of share N((-1,0), I/4) + (1 - share) N((1,0), I): between the means lie share (1-share) 2^2.
Moments two_discs(double share) {
  const double within = share * 0.25 + (1 - share), between = 4 * share * (1 - share);
  return {Eigen::Vector2d(1 - 2 * share, 0), Eigen::Matrix2d{{within + between, 0}, {0, within}}};
}

TEST(CompositionTest, AMixtureNormalisesItsBranches) {
  // log Z is known of both: equal shares, whatever exp(-E) integrates to.
  const Composed known(kTwoDiscs + "{mixture: [small, large]}", "step_size: 0.2");
  const Composed ignored(kTwoDiscs + "{mixture: [small, large], unnormalised: true}", "step_size: 0.2");
  expect_law(known, ignored, *known.exact_draws(), {0, 1}, two_discs(0.5));
}

TEST(CompositionTest, AnUnnormalisedMixtureSharesByMass) {
  // exp(-|x - m|^2 / 2s^2) has the mass 2 pi s^2: shares .25 : 1.
  const Composed ignored(kTwoDiscs + "{mixture: [small, large], unnormalised: true}", "step_size: 0.2");
  const Composed known(kTwoDiscs + "{mixture: [small, large]}", "step_size: 0.2");
  expect_law(ignored, known, *ignored.exact_draws(), {0, 1}, two_discs(0.2));
}

TEST(CompositionTest, AMixtureTakesItsWeights) {
  const std::string weighted = "{mixture: [{energy: small, weight: 3}, {energy: large, weight: 1}]}";
  const Composed right(kTwoDiscs + weighted, "step_size: 0.2");
  const Composed ignored(kTwoDiscs + "{mixture: [small, large]}", "step_size: 0.2");
  expect_law(right, ignored, *right.exact_draws(), {0, 1}, two_discs(0.75));
}

TEST(CompositionTest, TheTemperatureOfARunActsOnceAfterMixing) {
  // p = .3 N(-1, 1/4) + .7 N(1, 1), T = 2: the law is that of p^(1/2), by quadrature. Twins: the branches tempered
  // before mixing, and the temperature acting both before and after.
  const std::string text = R"(
variables: {x: {shape: [1]}}
energies:
  left: {model: gaussian, settings: {mean: [-1], variance: [0.25]}, inputs: x}
  right: {model: gaussian, settings: {mean: [1], variance: [1]}, inputs: x}
  cool: {mixture: [{energy: left, weight: 0.3}, {energy: right, weight: 0.7}]}
target: )";
  const auto density = [](const double* x) {
    const double a = x[0] + 1, b = x[0] - 1;
    return std::sqrt(0.3 * std::exp(-2 * a * a) / 0.5 + 0.7 * std::exp(-b * b / 2));
  };
  // |x| = 15 is beyond ten standard deviations of sqrt 2.
  const BoxedDensity boxed{{-15}, {15}, 1, density};
  const TabulatedLaw law([&](double x) { return density(&x); }, -15, 15);
  const Composed after(text + "cool", "step_size: 0.4, temperature: 2");
  const Composed before(text +
                            "{mixture: [{energy: {temper: {energy: left, temperature: 2}}, weight: 0.3}, "
                            "{energy: {temper: {energy: right, temperature: 2}}, weight: 0.7}]}",
                        "step_size: 0.8");
  const auto start = after.at(boxed.draw(kComposedChains, 1));
  const auto cdf = [&](double x) { return law.cdf(x); };
  const RightAndBroken draws = expect_law(after, before, *start, {0}, moments(law.mean(), law.variance()));
  EXPECT_LT(kolmogorov(draws.right.column[0], cdf), kPassD);
  EXPECT_GT(kolmogorov(draws.broken.column[0], cdf), kBrokenRejectD);
  const Composed twice(text + "{temper: {energy: cool, temperature: 2}}", "step_size: 0.4, temperature: 2");
  EXPECT_GT(kolmogorov(twice.run(*start, kBrokenChains).column[0], cdf), kBrokenRejectD);
}

TEST(CompositionTest, ALeafThatIsUsedThreeTimesIsEvaluatedOnceAStep) {
  // Sixteen chains are one tile: one evaluation for the start, one for each step.
  const Composed composed(kOneNumber + R"(
target: {product: [standard, {energy: standard, weight: 0.5}, {mixture: [standard, at_two]}]})",
                          "step_size: 0.1, chains: 16, steps: 40");
  composed.run(*composed.at(std::vector<double>(16, 0.5)));
  EXPECT_EQ(composed.plan().leaves().size(), 2u);
  EXPECT_EQ(composed.plan().evaluations(), (std::vector<int64_t>{41, 41}));
  EXPECT_EQ(composed.plan().leaves()[0].used, 3);
}

}  // namespace
}  // namespace potluck::testing
