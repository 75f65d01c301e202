// SPDX-License-Identifier: Apache-2.0
// Given coordinates: the others have the conditional law, and these stay bitwise. n = 10^6 exact starts, 20 moves of
// MALA. Each twin drops the mask: the same composition without its givens, begun at the same starts.
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/exactness/composed.h"

namespace potluck::testing {
namespace {

/// In every chain, as the run's float32 has it.
void expect_held(const LastDraw& draw, size_t column, double value) {
  const std::vector<double>& x = draw.column[column];
  EXPECT_EQ(std::count(x.begin(), x.end(), double{static_cast<float>(value)}), static_cast<int64_t>(x.size()));
}

TEST(ConditioningTest, OneOfTwoCorrelatedNumbersIsGiven) {
  // N(0, [[1, .8], [.8, 1]]) with x1 = 1: x2 ~ N(.8, 1 - .64).
  const std::string text = R"(
variables: {x: {shape: [2]}}
views: {first: {of: x, slice: ["0:1"]}}
energies:
  correlated: {model: gaussian, settings: {covariance: [1, 0.8, 0.8, 1]}, inputs: x}
target: correlated
)";
  const Composed right(text + "given: [{of: first, value: [1]}]", "step_size: 0.2");
  const Composed dropped(text, "step_size: 0.2");
  const RightAndBroken draws = expect_law(right, dropped, *right.exact_draws(), {1}, moments(0.8, 0.36));
  expect_held(draws.right, 0, 1);
  EXPECT_GT(std::fabs(z_mean(draws.broken.column[0], 1)), kReject);
}

TEST(ConditioningTest, TwoOfSixNumbersAreGiven) {
  // Covariance I/2 + A A'/6 with A_ij = sin(1 + 2i + 3j + ij), mean_i = cos(i); x2 and x5 are given: Schur complement.
  Eigen::MatrixXd a(6, 6);
  Moments joint{Eigen::VectorXd(6), Eigen::MatrixXd(6, 6)};
  for (int i = 0; i < 6; ++i) {
    joint.mean(i) = std::cos(i);
    for (int j = 0; j < 6; ++j) a(i, j) = std::sin(1 + 2 * i + 3 * j + i * j);
  }
  joint.covariance = 0.5 * Eigen::MatrixXd::Identity(6, 6) + a * a.transpose() / 6;
  const std::string text = "variables: {x: {shape: [6]}}\nviews: {some: {of: x, slice: [\"1::3\"]}}\nenergies:\n" +
                           std::string("  all: {model: gaussian, settings: {mean: ") + yaml(joint.mean) +
                           ", covariance: " + yaml(joint.covariance) + "}, inputs: x}\ntarget: all\n";
  const Composed right(text + "given: [{of: some, value: [0.7, -1.2]}]", "step_size: 0.15");
  const Composed dropped(text, "step_size: 0.15");
  const RightAndBroken draws =
      expect_law(right, dropped, *right.exact_draws(), {0, 2, 3, 5}, conditioned(joint, {1, 4}, {0.7, -1.2}));
  expect_held(draws.right, 1, 0.7);
  expect_held(draws.right, 4, -1.2);
}

}  // namespace
}  // namespace potluck::testing
