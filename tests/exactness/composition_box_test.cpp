// SPDX-License-Identifier: Apache-2.0
// Compositions of experts with hard walls, and of experts confined to a box. n = 10^6 exact starts, 20 moves of MALA.
#include <gtest/gtest.h>

#include <cmath>

#include "tests/exactness/composed.h"
#include "tests/exactness/targets.h"

namespace potluck::testing {
namespace {

/// A uniform law on [a, b] has the second moment (a^2 + ab + b^2)/3.
TEST(CompositionBoxTest, TwoBarsShareByTheirWeightsNotTheirWalls) {
  const std::string text = R"(
variables: {x: {shape: [2]}}
energies:
  left: {model: uniform_box, settings: {least: [-0.3, -1], most: [-0.1, 1]}, inputs: x}
  right: {model: uniform_box, settings: {least: [0.1, -1], most: [0.3, 1]}, inputs: x}
target: )";
  const std::string equal = "{mixture: [left, right]}";
  const std::string unequal = "{mixture: [{energy: left, weight: 0.25}, {energy: right, weight: 0.75}]}";
  const std::string step = "step_size: 0.01";
  const Composed half(text + equal, step), quarter(text + unequal, step);
  // var x = (.01 + .03 + .09)/3 = .043333, var y = 1/3; E x = 0. With 1/4 : 3/4, E x = .1, var x less .01.
  const Eigen::Matrix2d covariance{{0.13 / 3, 0}, {0, 1.0 / 3}}, shifted{{0.1 / 3, 0}, {0, 1.0 / 3}};
  expect_law(half, quarter, *half.exact_draws(), {0, 1}, {Eigen::Vector2d(0, 0), covariance});
  expect_law(quarter, half, *quarter.exact_draws(), {0, 1}, {Eigen::Vector2d(0.1, 0), shifted});
}

/// The box of half-width .7 minus the box of half-width .3. Outside the inner box its density is exp(c), inside
/// exp(s(0)), s(0) = -w log(1 + exp(-c/w)); `ratio` is inside over outside.
void expect_minus(double ceiling, double softness, double ratio, double table) {
  const std::string text = R"(
variables: {x: {shape: [2]}}
energies:
  outer: {model: uniform_box, settings: {least: [-0.7], most: [0.7]}, inputs: x}
  inner: {model: uniform_box, settings: {least: [-0.3], most: [0.3]}, inputs: x}
target: )";
  // int x^2: outer (2 * .7^3/3) * 1.4, inner (2 * .3^3/3) * .6
  const double outer = 1.4 * 2 * 0.343 / 3, inner = 0.6 * 2 * 0.027 / 3;
  const double second = (outer - inner + ratio * inner) / (1.6 + 0.36 * ratio);
  EXPECT_NEAR(second, table, 1e-6);
  const BoxedDensity law{{-0.7, -0.7}, {0.7, 0.7}, 1, [ratio](const double* x) {
                           return std::fabs(x[0]) < 0.3 && std::fabs(x[1]) < 0.3 ? ratio : 1.0;
                         }};
  const std::string step = "step_size: 0.03";
  const Composed right(text + "{product: [outer, {not: {energy: inner, ceiling: " + std::to_string(ceiling) +
                           ", softness: " + std::to_string(softness) + "}}]}",
                       step);
  const Composed broken(text + "outer", step);
  expect_law(right, broken, *right.at(law.draw(kComposedChains, 2)), {0, 1},
             {Eigen::Vector2d(0, 0), second * Eigen::Matrix2d::Identity()});
}

TEST(CompositionBoxTest, ANegatedBoxLeavesAHoleAsDeepAsItsCeiling) {
  // A bend of .1 is sharp: s(0) is 0 to 10^-9, and the ratio e^-c.
  expect_minus(2, 0.1, std::exp(-2.0), 0.188507);
  expect_minus(5, 0.1, std::exp(-5.0), 0.193086);
  expect_minus(10, 0.1, std::exp(-10.0), 0.193332);
}

TEST(CompositionBoxTest, ASoftCeilingIsDeeperByItsBend) {
  // softness 1: s(0) = -log(1 + e^-c), so the ratio is e^-c / (1 + e^-c).
  expect_minus(2, 1, std::exp(-2.0) / (1 + std::exp(-2.0)), 0.189067);
}

TEST(CompositionBoxTest, ExpertsAreNormalisedThenMixedThenConfined) {
  // .5 N(-.1, .3^2) + .5 N(.7, .15^2) on [0, 1]: the weights there are the masses inside, .3694 and .9772 over their
  // sum. Twin: the experts normalised inside the box, as weights .5/mass would have it: shares of one half.
  const std::string text = R"(
variables: {x: {shape: [1], support: [0, 1]}}
energies:
  low: {model: gaussian, settings: {mean: [-0.1], variance: [0.09]}, inputs: x}
  high: {model: gaussian, settings: {mean: [0.7], variance: [0.0225]}, inputs: x}
target: )";
  const auto low = [](double x) { return normal_cdf((x + 0.1) / 0.3); };
  const auto high = [](double x) { return normal_cdf((x - 0.7) / 0.15); };
  const double low_mass = low(1) - low(0), high_mass = high(1) - high(0), mass = low_mass + high_mass;
  EXPECT_NEAR(low_mass / mass, 0.2743, 1e-4);
  const auto cdf = [&](double x) { return (low(x) - low(0) + high(x) - high(0)) / mass; };
  const BoxedDensity law{{0}, {1}, 3, [](const double* x) {
                           const double a = (x[0] + 0.1) / 0.3, b = (x[0] - 0.7) / 0.15;
                           return std::exp(-a * a / 2) / 0.3 / std::sqrt(2 * M_PI) +
                                  std::exp(-b * b / 2) / 0.15 / std::sqrt(2 * M_PI);
                         }};
  const Composed right(text + "{mixture: [low, high]}", "step_size: 0.02");
  const Composed broken(text + "{mixture: [{energy: low, weight: " + std::to_string(1 / low_mass) +
                            "}, {energy: high, weight: " + std::to_string(1 / high_mass) + "}]}",
                        "step_size: 0.02");
  const RightAndBroken draws = expect_law(right, broken, *right.at(law.draw(kComposedChains, 4)), {0}, law.moments());
  EXPECT_LT(kolmogorov(draws.right.column[0], cdf), kPassD);
  EXPECT_GT(kolmogorov(draws.broken.column[0], cdf), kBrokenRejectD);
}

TEST(CompositionBoxTest, TwoClassesInASquareHaveTheirMassesInside) {
  // .5 N((0, .3), .04 [[1, .6], [.6, 1]]) + .5 N((.7, .6), .02 I) on the unit square, by quadrature. Twin: equal shares
  // inside, that is weights over the masses inside.
  const std::string text = R"(
variables: {x: {shape: [2], support: [0, 1]}}
energies:
  edge: {model: gaussian, settings: {mean: [0, 0.3], covariance: [0.04, 0.024, 0.024, 0.04]}, inputs: x}
  middle: {model: gaussian, settings: {mean: [0.7, 0.6], variance: [0.02]}, inputs: x}
target: )";
  const auto edge = [](const double* x) {
    const double a = x[0], b = x[1] - 0.3, determinant = 0.04 * 0.04 - 0.024 * 0.024;
    const double square = (0.04 * a * a - 2 * 0.024 * a * b + 0.04 * b * b) / determinant;
    return std::exp(-square / 2) / (2 * M_PI * std::sqrt(determinant));
  };
  const auto middle = [](const double* x) {
    const double a = x[0] - 0.7, b = x[1] - 0.6;
    return std::exp(-(a * a + b * b) / 0.04) / (2 * M_PI * 0.02);
  };
  // Their peaks: 4.97 and 7.96.
  const BoxedDensity law{{0, 0}, {1, 1}, 13, [&](const double* x) { return edge(x) + middle(x); }};
  constexpr int kCells = 1000;
  double edge_mass = 0, middle_mass = 0;
  for (int i = 0; i < kCells; ++i)
    for (int j = 0; j < kCells; ++j) {
      const double x[] = {(i + 0.5) / kCells, (j + 0.5) / kCells};
      edge_mass += edge(x) / kCells / kCells;
      middle_mass += middle(x) / kCells / kCells;
    }
  EXPECT_LT(edge_mass, 0.55);  // its mean is on a face
  EXPECT_GT(middle_mass, 0.95);
  const Composed right(text + "{mixture: [edge, middle]}", "step_size: 0.01");
  const Composed broken(text + "{mixture: [{energy: edge, weight: " + std::to_string(1 / edge_mass) +
                            "}, {energy: middle, weight: " + std::to_string(1 / middle_mass) + "}]}",
                        "step_size: 0.01");
  expect_law(right, broken, *right.at(law.draw(kComposedChains, 5)), {0, 1}, law.moments());
}

}  // namespace
}  // namespace potluck::testing
