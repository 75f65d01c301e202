// SPDX-License-Identifier: Apache-2.0
#include "core/learning/noise_contrastive.h"

#include <gtest/gtest.h>

#include <Eigen/Dense>
#include <cmath>
#include <numbers>
#include <random>

#include "tests/core/learning/learning_runs.h"
#include "tests/core/learning/loss_differences.h"
#include "tests/core/learning/row_learnable.h"

namespace potluck {
namespace {

using testing::LearnedQuadratic;

double normal_density(double x, double mean, double deviation) {
  const double z = (x - mean) / deviation;
  return std::exp(-z * z / 2) / (deviation * std::sqrt(2 * std::numbers::pi));
}

/// N(0, deviation^2) in every number of variable 0; a twin draws with another deviation than its density has.
class NormalNoise final : public NoiseDistribution {
 public:
  explicit NormalNoise(double deviation, double drawn = 0)
      : deviation_(deviation), drawn_(drawn > 0 ? drawn : deviation) {}
  void draw(int64_t update, int64_t first, bool held_out, Batch& to) override {
    std::mt19937_64 random(static_cast<uint64_t>(2 * (update * 1000 + first) + (held_out ? 1 : 0)));
    std::normal_distribution<double> normal(0, drawn_);
    for (int64_t i = 0; i < to.size(0); ++i) to.set(0, i, normal(random));
  }
  void log_density(const Batch& at, double* log_density) override {
    for (int64_t row = 0; row < at.rows(); ++row) {
      log_density[row] = 0;
      for (int64_t j = 0; j < at.numbers_a_row(0); ++j)
        log_density[row] += std::log(normal_density(at.at(0, row * at.numbers_a_row(0) + j), 0, deviation_));
    }
  }

 private:
  double deviation_, drawn_;
};

Batch any_rows(const Energy& energy, int64_t rows) {
  std::mt19937 random(3);
  std::normal_distribution<double> normal(0.5, 0.8);
  Batch batch(energy.variables(), energy.precision(), rows);
  for (int64_t i = 0; i < batch.size(0); ++i) batch.set(0, i, normal(random));
  return batch;
}

TEST(NoiseContrastiveTest, TheLossIsTwoLogTwoWhereTheModelIsTheNoise) {
  LearnedQuadratic learnable(2, 1 / 2.25);
  ThreadPool threads(1);
  BatchEnergy energy(learnable, threads);
  NoiseContrastive objective(energy, std::make_unique<NormalNoise>(1.5), true);
  Batch rows = any_rows(learnable.energy(), 50);
  const Figures figures = objective.assess(0, rows);
  EXPECT_NEAR(figures[0].second, 2 * std::log(2), 1e-12);
  EXPECT_NEAR(figures[1].second, std::log(2 * std::numbers::pi * 2.25), 1e-12);  // log Z
}

TEST(NoiseContrastiveTest, ItsGradientIsThatOfItsLoss) {
  for (const bool fits_log_z : {true, false}) {
    LearnedQuadratic learnable(2, 0.7);
    ThreadPool threads(1);
    BatchEnergy energy(learnable, threads);
    NoiseContrastive objective(energy, std::make_unique<NormalNoise>(1.5), fits_log_z);
    const Batch rows = any_rows(learnable.energy(), 40);
    ParameterSums sums = testing::zero_sums(learnable);
    Batch copy = rows;
    objective.add_gradient(4, copy, sums);
    EXPECT_LT(testing::worst_against_differences(learnable, sums,
                                                 [&] {
                                                   Batch again = rows;
                                                   ParameterSums unused = testing::zero_sums(learnable);
                                                   return objective.add_gradient(4, again, unused).front().second;
                                                 }),
              1e-8);
  }
}

TEST(NoiseContrastiveTest, BennettsEstimateIsExactForAConstantRatioAndLeavesInfinitiesOut) {
  EXPECT_NEAR(bennett_log_z({3, 3, 3}, {3, 3}), 3 + std::log(2.0 / 3), 1e-12);  // 3 f = 2 (1 - f), f = 2/5
  EXPECT_NEAR(bennett_log_z({-2.5}, {-2.5}), -2.5, 1e-12);
  EXPECT_NEAR(bennett_log_z({1, 1}, {1, -INFINITY}), 1 - std::log(2), 1e-12);  // 2 f = 1 - f
}

/// Learns N(m, v) from 4000 rows of N(0.5, 0.8^2) against noise N(0, 1.5^2). Returns the distance of (A, b) from the
/// truth in standard errors. With psi = (x^2 / 2, -x, 1) the estimate of (A, b, log Z) has at most the covariance
/// J^-1 / rows, J = integral of psi psi' p q / (p + q), p the data's density and q the noise's (Gutmann & Hyvarinen
/// 2012, theorem 3).
double distance_in_standard_errors(std::unique_ptr<NormalNoise> noise) {
  constexpr int64_t kRows = 4000;
  std::mt19937 random(17);
  std::normal_distribution<double> normal(0.5, 0.8);
  std::vector<double> numbers;
  for (int64_t i = 0; i < kRows; ++i) numbers.push_back(normal(random));
  LearnedQuadratic learnable(1);
  ThreadPool threads(1);
  BatchEnergy energy(learnable, threads);
  const TrainingData data(learnable.energy().variables(), {testing::column_of(0, kRows, numbers)},
                          {0, 3, Precision::kFloat64});
  NoiseContrastive objective(energy, std::move(noise), true);
  testing::learn(energy, data, objective, 1000, 1, 1200);

  Eigen::Matrix3d j = Eigen::Matrix3d::Zero();
  constexpr double kStep = 0.01;
  for (double x = -8; x < 8; x += kStep) {
    const double p = normal_density(x, 0.5, 0.8), q = normal_density(x, 0, 1.5);
    const Eigen::Vector3d psi(x * x / 2, -x, 1);
    j += kStep * p * q / (p + q) * psi * psi.transpose();
  }
  const Eigen::Matrix3d covariance = j.inverse() / static_cast<double>(kRows);
  EXPECT_LT(std::sqrt(covariance(0, 0)), 0.1);
  return std::max(std::abs(learnable.parameter(0) - 1 / 0.64) / std::sqrt(covariance(0, 0)),
                  std::abs(learnable.parameter(1) - 0.5 / 0.64) / std::sqrt(covariance(1, 1)));
}

TEST(NoiseContrastiveTest, ItRecoversAGaussian) {
  EXPECT_LT(distance_in_standard_errors(std::make_unique<NormalNoise>(1.5)), 6);
}

TEST(NoiseContrastiveTest, TheSameCheckRejectsNoiseOfAnotherLawThanItsDensity) {
  EXPECT_GT(distance_in_standard_errors(std::make_unique<NormalNoise>(1.5, 1.0)), 8);
}

}  // namespace
}  // namespace potluck
