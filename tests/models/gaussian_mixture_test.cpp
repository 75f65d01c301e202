// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

#include "tests/models/model_probe.h"

namespace potluck::test {
namespace {

using testing::HasSubstr;

ModelProbe mixture(const ProbeSetup& probe) {
  return ModelProbe("potluck.gaussian_mixture", "gaussian_mixture", probe);
}

/// Two components in the plane, tilted against one another.
ProbeSetup tilted() {
  return {{{"mean", "-1, 0, 2, 1"}, {"weight", "3, 1"}, {"covariance", "1, 0.8, 0.8, 1, 0.5, -0.2, -0.2, 0.5"}},
          {continuous_slot({2})},
          {}};
}

std::vector<ProbeSetup> setups() {
  return {
      {{}, {continuous_slot({3})}, {}},
      {{{"mean", "0, 4"}, {"variance", "1, 4"}}, {continuous_slot({})}, {}},
      {{{"mean", "-1, 0, 2, 1"}, {"weight", "0.2, 0.8"}, {"variance", "0.5"}}, {continuous_slot({2})}, {}},
      {{}, {continuous_slot({5, 8})}, {weight("mean", {6, 40}, some_numbers(240, 2))}},
      tilted(),
      {{{"covariance", "2, 0, 0, 1"}}, {continuous_slot({2})}, {weight("mean", {3, 2}, some_numbers(6, 2))}},
  };
}

double normal_density(double x, double mean, double variance) {
  return std::exp(-(x - mean) * (x - mean) / (2 * variance)) / std::sqrt(2 * std::numbers::pi * variance);
}

TEST(GaussianMixtureTest, EnergyIsMinusLogOfTheDensity) {
  const ModelProbe model = mixture(setups()[1]);
  for (const double x : {-3.0, 0.0, 1.7, 4.0, 12.0}) {
    const double density = 0.5 * normal_density(x, 0, 1) + 0.5 * normal_density(x, 4, 4);
    EXPECT_NEAR(model.energies({{x}})[0], -std::log(density), 1e-12);
  }
  // Full covariance: log of .75 N((-1,0)) at its own mean plus what the other adds there.
  // |C_1| = .36, |C_2| = .21; distance of the other: d = (-3,-1), P_2 = [[.5,.2],[.2,.5]]/.21, d'P_2 d = 6.2/.21.
  const double first = 0.75 / (2 * std::numbers::pi * 0.6);
  const double second = 0.25 / (2 * std::numbers::pi * std::sqrt(0.21)) * std::exp(-0.5 * 6.2 / 0.21);
  EXPECT_NEAR(mixture(tilted()).energies({{-1, 0}})[0], -std::log(first + second), 1e-12);
}

TEST(GaussianMixtureTest, GradientsAreThoseOfDifferencesAndEnergiesAboveTheBound) {
  for (const ProbeSetup& setup : setups()) {
    const ModelProbe model = mixture(setup);
    const int64_t n = setup.slots[0].size();
    const Numbers x = some_numbers(19 * n, 5);
    EXPECT_LT(model.worst_gradient_error({x}), 1e-7);
    for (const double energy : model.energies({x})) EXPECT_GE(energy, model.model().facts().least_energy);
    EXPECT_EQ(model.log_normaliser({{}}, 1)->value[0], 0);
  }
}

TEST(GaussianMixtureTest, IntegratesToOne) {
  const ModelProbe line = mixture(setups()[1]), plane = mixture(tilted());
  double sum = 0;
  for (int i = -3000; i <= 4000; ++i) sum += 0.01 * std::exp(-line.energies({{0.01 * i}})[0]);
  EXPECT_NEAR(sum, 1, 1e-9);
  sum = 0;
  for (int i = -80; i <= 80; ++i)
    for (int j = -80; j <= 80; ++j) sum += 0.01 * std::exp(-plane.energies({{0.1 * i, 0.1 * j}})[0]);
  EXPECT_NEAR(sum, 1, 1e-9);
}

TEST(GaussianMixtureTest, FarAwayTheNearestComponentRules) {
  for (const Precision precision : {Precision::kFloat32, Precision::kFloat64}) {
    ProbeSetup setup = setups()[2];
    setup.precision = precision;
    const auto got = mixture(setup).evaluate({{1000, 1}});
    // log weight .8, variance .5: |x - m|^2 / (2 * .5) + log(2 pi .5) - log .8
    EXPECT_NEAR(got.energy[0], 998.0 * 998.0 + std::log(std::numbers::pi) - std::log(0.8), 0.1);
    EXPECT_NEAR(got.gradient[0][0], 998.0 / 0.5, 1e-3);
  }
}

TEST(GaussianMixtureTest, SinglePrecisionAgreesWithDoubleAndRowsStandAlone) {
  for (ProbeSetup setup : setups()) {
    const int64_t n = setup.slots[0].size();
    const Numbers x = some_numbers(37 * n, 5);
    const auto wide = mixture(setup).evaluate({x});
    setup.precision = Precision::kFloat32;
    const ModelProbe narrow = mixture(setup);
    const auto got = narrow.evaluate({x});
    for (int64_t b = 0; b < 37; ++b) {
      EXPECT_NEAR(got.energy[b], wide.energy[b], 1e-5 * (1 + std::abs(wide.energy[b])));
      const auto alone = narrow.evaluate({Numbers(x.begin() + b * n, x.begin() + (b + 1) * n)});
      EXPECT_EQ(alone.energy[0], got.energy[b]);
    }
    for (int64_t j = 0; j < 37 * n; ++j) EXPECT_NEAR(got.gradient[0][j], wide.gradient[0][j], 2e-5);
  }
}

TEST(GaussianMixtureTest, WeightsAndAccumulationScaleAndAddTheGradient) {
  for (const ProbeSetup& setup : setups()) {
    const ModelProbe model = mixture(setup);
    const int64_t n = setup.slots[0].size();
    const Numbers x = some_numbers(4 * n, 5), before = some_numbers(4 * n, 6), row_weight = {1, 0, -2, 0.5};
    const auto plain = model.evaluate({x});
    const auto added = model.evaluate({x}, {row_weight, {before}, 1});
    for (int64_t j = 0; j < 4 * n; ++j)
      EXPECT_NEAR(added.gradient[0][j], before[j] + row_weight[j / n] * plain.gradient[0][j], 1e-12);
  }
}

TEST(GaussianMixtureTest, DrawsHaveTheMixturesMoments) {
  // .5 N(0, 1) + .5 N(4, 4): mean 2, variance .5 (1 + 4) + .25 * 16 = 6.5.
  const int64_t rows = 100000;
  const Moments got = moments(*mixture(setups()[1]).draw(rows, {{}}, {{}}), 1);
  EXPECT_NEAR(got.mean[0], 2, 6 * std::sqrt(6.5 / rows));
  // Fourth central moment: .5 (3 + 6*4 + 16) + .5 (48 + 6*4*4 + 16) = 101.5; SE of the variance sqrt((m4 - v^2)/rows).
  EXPECT_NEAR(got.covariance[0], 6.5, 6 * std::sqrt((101.5 - 6.5 * 6.5) / rows));
  // Twin: the moments of N(0, 1) + N(4, 4) with weights .45 and .55.
  EXPECT_GT(std::abs(got.mean[0] - 2.2), 8 * std::sqrt(6.5 / rows));
}

TEST(GaussianMixtureTest, DrawsGivenACoordinateFollowTheConditionalByQuadrature) {
  const ModelProbe model = mixture(tilted());
  double mass = 0, mean = 0, square = 0, fourth = 0;
  for (int i = -2000; i <= 2000; ++i) {
    const double x = 0.005 * i, density = std::exp(-model.energies({{x, 1.25}})[0]);
    mass += density;
    mean += x * density;
  }
  mean /= mass;
  for (int i = -2000; i <= 2000; ++i) {
    const double x = 0.005 * i, density = std::exp(-model.energies({{x, 1.25}})[0]) / mass;
    square += (x - mean) * (x - mean) * density;
    fourth += std::pow(x - mean, 4) * density;
  }
  const int64_t rows = 100000;
  Numbers given;
  for (int64_t b = 0; b < rows; ++b) given.insert(given.end(), {9, 1.25});
  const auto draws = model.draw(rows, {given}, {{0, 1}});
  ASSERT_TRUE(draws);
  const Moments got = moments(*draws, 2);
  EXPECT_EQ((*draws)[1], 1.25);
  EXPECT_NEAR(got.mean[0], mean, 6 * std::sqrt(square / rows));
  EXPECT_NEAR(got.covariance[0], square, 6 * std::sqrt((fourth - square * square) / rows));
  // Twin: the components' own weights, as if the held coordinate said nothing of them. The component means given
  // x_2 = 1.25 are -1 + .8 * 1.25 = 0 and 2 - .4 * .25 = 1.9.
  EXPECT_GT(std::abs(got.mean[0] - (0.75 * 0 + 0.25 * 1.9)), 8 * std::sqrt(square / rows));
}

TEST(GaussianMixtureTest, RefusalsSayWhatIsWrong) {
  const std::vector<Slot> two = {continuous_slot({2})};
  const auto refused = [&](const std::map<std::string, std::string>& settings) {
    return refusal("potluck.gaussian_mixture", "gaussian_mixture", {settings, two, {}});
  };
  EXPECT_THAT(refused({{"mean", "1, 2, 3"}}),
              HasSubstr("setting 'mean' must have a multiple of 2 numbers ([components, 2]), got 3"));
  EXPECT_THAT(refused({{"mean", "1, 2, 3, 4"}, {"weight", "1"}}),
              HasSubstr("setting 'weight' must have 2 numbers, got 1"));
  EXPECT_THAT(refused({{"mean", "1, 2, 3, 4"}, {"variance", "1, 2, 3"}}),
              HasSubstr("setting 'variance' must have 1, 2 or 4 numbers, got 3"));
  EXPECT_THAT(refused({{"covariance", "1, 3, 3, 1"}}),
              HasSubstr("setting 'covariance' must be positive definite, got a smallest eigenvalue of -2"));
}

}  // namespace
}  // namespace potluck::test
