// SPDX-License-Identifier: Apache-2.0
#include "core/learning/label_cross_entropy.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "core/learning/learned_part.h"
#include "tests/core/learning/learning_runs.h"
#include "tests/core/learning/loss_differences.h"
#include "tests/core/learning/row_learnable.h"

namespace potluck {
namespace {

/// Three labelled normals, blurred: E = (x - m_k)^2 / (2 (1 + sigma^2)) + c_k over x, label and noise.
class ThreeNormals final : public testing::RowLearnable {
 public:
  ThreeNormals()
      : RowLearnable({Variable{.name = "x", .shape = {}}, Variable{.name = "label", .shape = {}, .categories = 3},
                      Variable{.name = "noise", .shape = {}}},
                     {{"m", {-1, 0.5, 2}}, {"c", {0.2, -0.3, 0.1}}}) {}

  double row(const double* x, double* gradient) const override {
    const auto k = static_cast<size_t>(x[1]);
    gradient[0] = (x[0] - parameter(0, k)) / (1 + x[2] * x[2]);
    return gradient[0] * (x[0] - parameter(0, k)) / 2 + parameter(1, k);
  }
  void slopes(const double* x, double cotangent, const double* tangent, ParameterSums& sum) const override {
    const auto k = static_cast<size_t>(x[1]);
    const double variance = 1 + x[2] * x[2];
    sum[0][k] -= (cotangent * (x[0] - parameter(0, k)) + tangent[0]) / variance;
    sum[1][k] += cotangent;
  }
};

constexpr double kShare[] = {0.5, 0.3, 0.2};

/// x ~ N(m_k, 1), k with those shares.
struct Rows {
  std::vector<double> x;
  std::vector<int64_t> label;
  explicit Rows(int64_t rows) {
    const double mean[] = {-1, 0.5, 2};
    std::mt19937 random(5);
    std::normal_distribution<double> normal;
    std::discrete_distribution<int> which(std::begin(kShare), std::end(kShare));
    for (int64_t i = 0; i < rows; ++i) {
      label.push_back(which(random));
      x.push_back(mean[label.back()] + normal(random));
    }
  }
  Batch batch(const Energy& energy) const {
    Batch batch(energy.variables(), energy.precision(), static_cast<int64_t>(x.size()));
    for (int64_t i = 0; i < batch.rows(); ++i) {
      batch.set(0, i, x[static_cast<size_t>(i)]);
      batch.set(1, i, static_cast<double>(label[static_cast<size_t>(i)]));
    }
    return batch;
  }
};

TEST(LabelCrossEntropyTest, ItsGradientIsThatOfItsLossAtRandomLevelsOfNoise) {
  ThreeNormals learnable;
  ThreadPool threads(1);
  BatchEnergy energy(learnable, threads);
  LabelCrossEntropy objective(energy, {1, {{0}, 2, preset_noise_law(1), 9}});
  Batch rows = Rows(30).batch(learnable.energy());
  rows.set(1, 7, -1);
  ParameterSums sums = testing::zero_sums(learnable);
  Batch copy = rows;
  objective.add_gradient(2, copy, sums);
  const auto loss = [&] {
    Batch again = rows;
    ParameterSums unused = testing::zero_sums(learnable);
    return objective.add_gradient(2, again, unused).front().second;
  };
  EXPECT_LT(testing::worst_against_differences(learnable, sums, loss), 1e-8);
  // A twin whose labels push the other way.
  for (std::vector<double>& sum : sums)
    for (double& number : sum) number = -number;
  EXPECT_GT(testing::worst_against_differences(learnable, sums, loss), 1e-2);
}

TEST(LabelCrossEntropyTest, TheLossIsThatOfTheSoftmaxAndRowsWithoutALabelHaveNoPart) {
  ThreeNormals learnable;
  ThreadPool threads(1);
  BatchEnergy energy(learnable, threads);
  LabelCrossEntropy objective(energy, {1, {{}, std::nullopt, {}, 9}});
  Batch rows(learnable.energy().variables(), Precision::kFloat64, 2);
  rows.set(0, 0, 0.5);
  rows.set(1, 0, 1);
  rows.set(0, 1, 3);
  rows.set(1, 1, -1);
  // E of the labels at x = 0.5: 1.125 + 0.2, -0.3, 1.125 + 0.1. Label 1 is the most probable.
  const double expected = -0.3 + std::log(std::exp(-1.325) + std::exp(0.3) + std::exp(-1.225));
  const Figures figures = objective.assess(0, rows);
  EXPECT_NEAR(figures[0].second, expected, 1e-14);
  EXPECT_EQ(figures[1].second, 1);
}

// -c_k must become log share_k + a constant. The Hessian of the loss by (c_1, c_2) at c_0 = 0 is the mean covariance of
// the labels given x; its inverse over the rows is the covariance of the estimate.
TEST(LabelCrossEntropyTest, OffsetsThatAreLearnedAloneBecomeLogShares) {
  constexpr int64_t kRows = 4000;
  ThreeNormals learnable;
  LearnedPart part(learnable, [](const std::string& name) { return name == "c"; });
  ThreadPool threads(1);
  BatchEnergy energy(part, threads);
  const Rows rows(kRows);
  const TrainingData data(learnable.energy().variables(),
                          {testing::column_of(0, kRows, rows.x), testing::labels_of(1, kRows, rows.label)},
                          {0, 3, Precision::kFloat64});
  LabelCrossEntropy objective(energy, {1, {{}, std::nullopt, {}, 9}});
  testing::learn(energy, data, objective, kRows, 2, 300);

  double h[3] = {};
  for (const double x : rows.x) {
    double p[3], sum = 0;
    for (size_t k = 0; k < 3; ++k) sum += p[k] = kShare[k] * std::exp(-std::pow(x - learnable.parameter(0, k), 2) / 2);
    for (double& one : p) one /= sum;
    h[0] += p[1] * (1 - p[1]);
    h[1] -= p[1] * p[2];
    h[2] += p[2] * (1 - p[2]);
  }
  const double det = h[0] * h[2] - h[1] * h[1];
  const double error[] = {0, std::sqrt(h[2] / det), std::sqrt(h[0] / det)};
  for (size_t k = 1; k < 3; ++k) {
    EXPECT_NEAR(learnable.parameter(1, 0) - learnable.parameter(1, k), std::log(kShare[k] / kShare[0]), 6 * error[k]);
    EXPECT_LT(error[k], 0.1);
  }
  EXPECT_EQ(learnable.parameter(0, 0), -1);  // not learned
}

}  // namespace
}  // namespace potluck
