// SPDX-License-Identifier: Apache-2.0
// Hierarchies p(z) p(x | z): joint and marginal laws, the posterior of z, and what confining x does to z.
// n = 10^6 exact starts, 20 moves of MALA.
#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "tests/exactness/composed.h"
#include "tests/exactness/targets.h"

namespace potluck::testing {
namespace {

/// z ~ N(0, I_2), x | z ~ N(W z, I_3/4).
const Eigen::MatrixXd kWeights{{1, 0.5}, {-0.5, 1}, {0.8, -0.3}};
constexpr double kNoise = 0.25;

/// Of (z, x) where z has these moments.
Moments joint(const Moments& z) {
  Moments all{Eigen::VectorXd(5), Eigen::MatrixXd(5, 5)};
  all.mean << z.mean, kWeights * z.mean;
  const Eigen::MatrixXd across = kWeights * z.covariance;
  all.covariance << z.covariance, across.transpose(), across,
      across * kWeights.transpose() + kNoise * Eigen::Matrix3d::Identity();
  return all;
}

Moments standard_joint() { return joint({Eigen::Vector2d::Zero(), Eigen::Matrix2d::Identity()}); }

std::string levels(const std::string& top, const Eigen::MatrixXd& matrix) {
  return "variables: {z: {shape: [2]}, x: {shape: [3]}}\nenergies:\n  top: " + top +
         "\n  bottom: {model: linear_gaussian, settings: {matrix: " + yaml(matrix) +
         ", variance: [0.25]}, inputs: {x: x, z: z}}\ntarget: {hierarchy: [top, bottom]}\n";
}

const std::string kStandardTop = "{model: gaussian, inputs: z}";

// Twin: the parent is ignored, W = 0.
TEST(HierarchyTest, TheJointLawIsKeptFromJointAndFromAncestralStarts) {
  const Composed right(levels(kStandardTop, kWeights), "step_size: 0.06");
  const Composed broken(levels(kStandardTop, 0 * kWeights), "step_size: 0.06");
  const auto drawn_jointly = right.exact_draws();
  EXPECT_EQ(drawn_jointly->description(), "exact draws of the quadratic composite");
  expect_law(right, broken, *drawn_jointly, {0, 1, 2, 3, 4}, standard_joint());

  std::mt19937_64 source(6);
  std::normal_distribution<> normal;
  std::vector<double> rows;
  rows.reserve(5 * kComposedChains);
  for (int64_t chain = 0; chain < kComposedChains; ++chain) {
    const double z[] = {normal(source), normal(source)};
    rows.insert(rows.end(), z, z + 2);
    for (int i = 0; i < 3; ++i)
      rows.push_back(kWeights(i, 0) * z[0] + kWeights(i, 1) * z[1] + std::sqrt(kNoise) * normal(source));
  }
  expect_law(right, broken, *right.at(rows), {0, 1, 2, 3, 4}, standard_joint());
}

// p(z | x) = N(M^-1 W'x / s^2, M^-1), M = I + W'W / s^2: the Schur complement of the joint law. Twin: the mask dropped.
TEST(HierarchyTest, ThePosteriorOfTheTopIsConjugate) {
  const std::vector<double> x = {1.5, -0.4, 0.9};
  const Moments posterior = conditioned(standard_joint(), {2, 3, 4}, x);
  const Eigen::MatrixXd precision = Eigen::Matrix2d::Identity() + kWeights.transpose() * kWeights / kNoise;
  EXPECT_LT((precision * posterior.covariance - Eigen::Matrix2d::Identity()).norm(), 1e-12);
  const Composed right(levels(kStandardTop, kWeights) + "given: [{of: x, value: [1.5, -0.4, 0.9]}]", "step_size: 0.08");
  const Composed dropped(levels(kStandardTop, kWeights), "step_size: 0.08");
  const RightAndBroken draws = expect_law(right, dropped, *right.exact_draws(), {0, 1}, posterior);
  for (size_t i = 0; i < x.size(); ++i)
    for (const double value : draws.right.column[2 + i]) ASSERT_EQ(value, double{static_cast<float>(x[i])});
}

// The top is a mixture, which no quadratic form describes: draws come from the top, level by level.
// z ~ .75 N((-1, 0), I/4) + .25 N((1, 0), I): mean (-.5, 0), covariance diag(.4375 + .75, .4375).
TEST(HierarchyTest, AMixtureOnTopIsDrawnFromTheTop) {
  const auto top = [](const std::string& weights_of_both) {
    return "{mixture: [{energy: {model: gaussian, settings: {mean: [-1, 0], variance: [0.25]}, inputs: z}, weight: " +
           weights_of_both.substr(0, 1) +
           "}, {energy: {model: gaussian, settings: {mean: [1, 0], variance: [1]}, inputs: z}, weight: " +
           weights_of_both.substr(2) + "}]}";
  };
  const Composed right(levels(top("3 1"), kWeights), "step_size: 0.06");
  const Composed broken(levels(top("1 1"), kWeights), "step_size: 0.06");
  const auto start = right.exact_draws();
  EXPECT_EQ(start->description(), "exact draws of the hierarchy, from the top");
  expect_law(right, broken, *start, {0, 1, 2, 3, 4},
             joint({Eigen::Vector2d(-0.5, 0), Eigen::Matrix2d{{1.1875, 0}, {0, 0.4375}}}));
}

// z ~ N(.5, .3^2), x | z ~ N(z, .2^2), x confined to [0, 1]: the finished composite is confined, so that z's law is
// its prior times the mass of x inside. Twin: x not confined, which leaves z its prior.
TEST(HierarchyTest, ConfiningTheBottomMovesTheTop) {
  const auto text = [](const std::string& x) {
    return "variables: {z: {shape: [1]}, x: " + x + R"(}
energies:
  top: {model: gaussian, settings: {mean: [0.5], variance: [0.09]}, inputs: z}
  bottom: {model: linear_gaussian, settings: {variance: [0.04]}, inputs: {x: x, z: z}}
target: {hierarchy: [top, bottom]})";
  };
  // z beyond 5 standard deviations of its prior has no mass to speak of.
  const BoxedDensity law{{-1, 0}, {2, 1}, 1, [](const double* state) {
                           const double a = (state[0] - 0.5) / 0.3, b = (state[1] - state[0]) / 0.2;
                           return std::exp(-(a * a + b * b) / 2);
                         }};
  const Moments expected = law.moments();
  EXPECT_NEAR(std::sqrt(expected.covariance(0, 0)), 0.242, 5e-4);
  const Composed right(text("{shape: [1], support: [0, 1]}"), "step_size: 0.015");
  const Composed broken(text("{shape: [1]}"), "step_size: 0.015");
  expect_law(right, broken, *right.at(law.draw(kComposedChains, 7)), {0, 1}, expected);
}

}  // namespace
}  // namespace potluck::testing
