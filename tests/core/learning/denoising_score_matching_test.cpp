// SPDX-License-Identifier: Apache-2.0
#include "core/learning/denoising_score_matching.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "tests/core/learning/learning_runs.h"
#include "tests/core/learning/loss_differences.h"
#include "tests/core/learning/row_learnable.h"

namespace potluck {
namespace {

using testing::LearnedQuadratic;
using testing::RowLearnable;

constexpr double kScale = 0.8;  // s

/// The preconditioned energy of Karras et al. over x [2] and noise: with u = x / sqrt(sigma^2 + s^2)
///
///   E = |x|^2 / (2 (sigma^2 + s^2)) - (s / sigma) sum_i (a_i log cosh u_i + c u_i)
class Preconditioned : public RowLearnable {
 public:
  explicit Preconditioned(bool forgets_jacobian = false)
      : RowLearnable({Variable{.name = "x", .shape = {2}}, Variable{.name = "noise", .shape = {}}},
                     {{"a", {0.3, -0.2}}, {"c", {0.1}}}),
        forgets_jacobian_(forgets_jacobian) {}

  double row(const double* x, double* gradient) const override {
    const double sigma = x[2], square = sigma * sigma + kScale * kScale, root = std::sqrt(square);
    double energy = 0;
    for (size_t i = 0; i < 2; ++i) {
      const double u = x[i] / root;
      energy +=
          x[i] * x[i] / (2 * square) - kScale / sigma * (parameter(0, i) * std::log(std::cosh(u)) + parameter(1) * u);
      gradient[i] = x[i] / square - kScale / sigma * (parameter(0, i) * std::tanh(u) + parameter(1)) / root;
    }
    gradient[2] = std::nan("");  // not asked for
    return energy;
  }
  void slopes(const double* x, double cotangent, const double* tangent, ParameterSums& sum) const override {
    const double sigma = x[2], root = std::sqrt(sigma * sigma + kScale * kScale);
    const double jacobian = forgets_jacobian_ ? 1 : 1 / root;  // du/dx
    for (size_t i = 0; i < 2; ++i) {
      const double u = x[i] / root;
      sum[0][i] -= kScale / sigma * (cotangent * std::log(std::cosh(u)) + tangent[i] * std::tanh(u) * jacobian);
      sum[1][0] -= kScale / sigma * (cotangent * u + tangent[i] * jacobian);
    }
  }

 private:
  bool forgets_jacobian_;
};

/// The energy of N(m, v) blurred with noise, E = |x - m|^2 / (2 (sigma^2 + e^q)): parameters m [n] and q = log v.
class BlurredNormal : public RowLearnable {
 public:
  explicit BlurredNormal(int64_t n, double log_variance = 0)
      : RowLearnable({Variable{.name = "x", .shape = {n}}, Variable{.name = "noise", .shape = {}}},
                     {{"m", std::vector<double>(static_cast<size_t>(n))}, {"q", {log_variance}}}),
        n_(static_cast<size_t>(n)) {}

  double row(const double* x, double* gradient) const override {
    const double variance = x[n_] * x[n_] + std::exp(parameter(1));
    double energy = 0;
    for (size_t i = 0; i < n_; ++i) {
      gradient[i] = (x[i] - parameter(0, i)) / variance;
      energy += gradient[i] * (x[i] - parameter(0, i)) / 2;
    }
    return energy;
  }
  void slopes(const double* x, double cotangent, const double* tangent, ParameterSums& sum) const override {
    const double own = std::exp(parameter(1)), variance = x[n_] * x[n_] + own;
    for (size_t i = 0; i < n_; ++i) {
      const double apart = (x[i] - parameter(0, i)) / variance;
      sum[0][i] -= cotangent * apart + tangent[i] / variance;
      sum[1][0] -= (cotangent * apart * apart / 2 + tangent[i] * apart / variance) * own;
    }
  }

 protected:
  size_t n_;
};

/// Is told the noise of the row beside: as of an objective that mixes up the levels of what it shows and what it wants.
class MixedUpLevels final : public BlurredNormal {
 public:
  using BlurredNormal::BlurredNormal;
  int64_t shown_row(size_t variable, int64_t row, int64_t rows) const override {
    return variable == 1 ? (row + 1) % rows : row;
  }
};

DenoisingOptions options_of(double scale, std::optional<size_t> noise, NoiseLaw law) {
  return {{{0}, noise, law, 7}, scale};
}

Batch any_rows(const Energy& energy, int64_t rows) {
  std::mt19937 random(3);
  std::normal_distribution<double> normal;
  Batch batch(energy.variables(), energy.precision(), rows);
  for (int64_t i = 0; i < batch.size(0); ++i) batch.set(0, i, kScale * normal(random));
  return batch;
}

/// How far the gradient is from central differences of the loss.
double worst_of(RowLearnable& learnable, const DenoisingOptions& options) {
  ThreadPool threads(1);
  BatchEnergy energy(learnable, threads);
  DenoisingScoreMatching objective(energy, options);
  ParameterSums sums = testing::zero_sums(learnable);
  const Batch rows = any_rows(learnable.energy(), 40);
  Batch copy = rows;
  objective.add_gradient(5, copy, sums);
  return testing::worst_against_differences(learnable, sums, [&] {
    Batch again = rows;
    ParameterSums unused = testing::zero_sums(learnable);
    return objective.add_gradient(5, again, unused).front().second;
  });
}

TEST(DenoisingScoreMatchingTest, ItsGradientIsThatOfItsLoss) {
  Preconditioned preconditioned;
  EXPECT_LT(worst_of(preconditioned, options_of(kScale, 1, preset_noise_law(kScale))), 1e-7);
  BlurredNormal normal(3, -0.4);
  EXPECT_LT(worst_of(normal, options_of(kScale, 1, preset_noise_law(kScale))), 1e-7);
  LearnedQuadratic quadratic(3);
  EXPECT_LT(worst_of(quadratic, options_of(kScale, std::nullopt, {0, 0, 0.5, 0.5})), 1e-7);
}

TEST(DenoisingScoreMatchingTest, TheSameCheckRejectsADroppedJacobianOfThePreconditioning) {
  Preconditioned twin(/*forgets_jacobian=*/true);
  EXPECT_GT(worst_of(twin, options_of(kScale, 1, preset_noise_law(kScale))), 1e-2);
}

/// Loss of the energy of N(0, s^2), blurred, at data that have that law, less what it must be, in standard errors. At
/// each level D - x is normal with variance sigma^2 s^2 / (sigma^2 + s^2), so that the loss is a mean of squares of
/// standard normals: 1, with a standard error of sqrt(2 / (rows n)).
double loss_in_standard_errors(RowLearnable& learnable) {
  constexpr int64_t kRows = 20'000;
  ThreadPool threads(1);
  BatchEnergy energy(learnable, threads);
  DenoisingScoreMatching objective(energy, options_of(kScale, 1, preset_noise_law(kScale)));
  Batch rows = any_rows(learnable.energy(), kRows);
  return (objective.assess(0, rows).front().second - 1) / std::sqrt(2.0 / (kRows * 3));
}

TEST(DenoisingScoreMatchingTest, TheLossOfTheTrueEnergyIsOneAtEveryLevel) {
  BlurredNormal right(3, 2 * std::log(kScale));
  EXPECT_LT(std::abs(loss_in_standard_errors(right)), 6);
}

TEST(DenoisingScoreMatchingTest, TheSameCheckRejectsLevelsThatAreMixedUp) {
  MixedUpLevels twin(3, 2 * std::log(kScale));
  EXPECT_GT(loss_in_standard_errors(twin), 60);
}

/// Correlated rows [rows, 2] about a mean.
std::vector<double> correlated_rows(int64_t rows) {
  std::mt19937 random(11);
  std::normal_distribution<double> normal;
  std::vector<double> numbers;
  for (int64_t row = 0; row < rows; ++row) {
    const double a = normal(random), b = normal(random);
    numbers.push_back(0.5 + 0.9 * a);
    numbers.push_back(-0.3 + 0.5 * a + 0.6 * b);
  }
  return numbers;
}

/// Mean and covariance (xx, xy, yy) of rows of two numbers.
struct Moments {
  double mean[2] = {}, cov[3] = {};
  explicit Moments(const std::vector<double>& numbers) {
    const double rows = static_cast<double>(numbers.size()) / 2;
    for (size_t i = 0; i < numbers.size(); ++i) mean[i % 2] += numbers[i] / rows;
    for (size_t i = 0; i < numbers.size(); i += 2) {
      const double x = numbers[i] - mean[0], y = numbers[i + 1] - mean[1];
      cov[0] += x * x / rows;
      cov[1] += x * y / rows;
      cov[2] += y * y / rows;
    }
  }
};

// At one level the loss is a regression of z/sigma on y with residuals of variance < 1/sigma^2, whose slope is the
// precision (S + sigma^2)^-1 of the blurred data. The standard error of a number of it is at most
// 1 / (sigma sqrt(N lambda)), N the rows that were averaged over and lambda the least eigenvalue of S + sigma^2.
TEST(DenoisingScoreMatchingTest, ItRecoversThePrecisionOfAGaussian) {
  constexpr int64_t kRows = 2000, kBatch = 200, kUpdates = 4000;
  constexpr double kSigma = 0.5;
  const std::vector<double> numbers = correlated_rows(kRows);
  LearnedQuadratic learnable(2);
  const TrainingData data(learnable.energy().variables(), {testing::column_of(0, kRows, numbers)},
                          {0, 3, Precision::kFloat64});
  ThreadPool threads(1);
  BatchEnergy energy(learnable, threads);
  DenoisingScoreMatching objective(energy, options_of(1, std::nullopt, {0, 0, kSigma, kSigma}));
  testing::learn(energy, data, objective, kBatch, 0.5, kUpdates);

  const Moments of(numbers);
  const double s = kSigma * kSigma, xx = of.cov[0] + s, xy = of.cov[1], yy = of.cov[2] + s, det = xx * yy - xy * xy;
  const double least = (xx + yy) / 2 - std::hypot((xx - yy) / 2, xy);
  const double error = 1 / (kSigma * std::sqrt(static_cast<double>(kBatch * kUpdates / 2) * least));
  EXPECT_NEAR(learnable.parameter(0, 0), yy / det, 6 * error);
  EXPECT_NEAR((learnable.parameter(0, 1) + learnable.parameter(0, 2)) / 2, -xy / det, 6 * error);
  EXPECT_NEAR(learnable.parameter(0, 3), xx / det, 6 * error);
  EXPECT_LT(error, 0.005);
}

/// Learns N(m, v) from data at random levels of noise. Returns log v and its right value.
std::pair<double, double> log_variances(BlurredNormal& learnable) {
  constexpr int64_t kRows = 2000, kBatch = 200, kUpdates = 1500;
  const std::vector<double> numbers = correlated_rows(kRows);
  const Moments of(numbers);
  std::vector<double> alike;  // of one variance in both directions: its first number, and its negative shuffled
  for (int64_t row = 0; row < kRows; ++row) {
    alike.push_back(numbers[static_cast<size_t>(2 * row)]);
    alike.push_back(numbers[static_cast<size_t>(2 * ((row + 977) % kRows))]);
  }
  const TrainingData data(learnable.energy().variables(), {testing::column_of(0, kRows, alike)},
                          {0, 3, Precision::kFloat64});
  ThreadPool threads(1);
  BatchEnergy energy(learnable, threads);
  const double scale = std::sqrt(of.cov[0]);
  const NoiseLaw law = {std::log(scale) - 0.3, 0.5, 0.2 * scale, 5 * scale};
  DenoisingScoreMatching objective(energy, options_of(scale, 1, law));
  testing::learn(energy, data, objective, kBatch, 0.2, kUpdates);
  EXPECT_TRUE(std::isfinite(learnable.parameter(1)));
  return {learnable.parameter(1), std::log(of.cov[0])};
}

// The loss at level sigma has, by log v, the second derivative 2 r^2 and slopes of variance 8 r^2, r = v / (v +
// sigma^2), for each number. With levels of about 0.7 s, r is 0.65: the standard error of 150 000 rows of two numbers
// is 1 / (0.65 sqrt(150 000)) = 0.004.
TEST(DenoisingScoreMatchingTest, ItRecoversAVarianceFromAllLevelsAtOnce) {
  BlurredNormal learnable(2);
  const auto [found, right] = log_variances(learnable);
  EXPECT_NEAR(found, right, 6 * 0.004);
}

TEST(DenoisingScoreMatchingTest, TheSameCheckRejectsAVarianceLearnedAtMixedUpLevels) {
  MixedUpLevels twin(2);
  const auto [found, right] = log_variances(twin);
  EXPECT_GT(std::abs(found - right), 0.2);
}

TEST(DenoisingScoreMatchingTest, HeldOutRowsHaveTheSameNoiseEachTime) {
  BlurredNormal learnable(2);
  ThreadPool threads(1);
  BatchEnergy energy(learnable, threads);
  DenoisingScoreMatching objective(energy, options_of(kScale, 1, preset_noise_law(kScale)));
  const Batch rows = any_rows(learnable.energy(), 30);
  const auto loss = [&](int64_t first) {
    Batch copy = rows;
    return objective.assess(first, copy).front().second;
  };
  const double once = loss(0);
  Batch copy = rows;
  ParameterSums sums = testing::zero_sums(learnable);
  const double trained = objective.add_gradient(0, copy, sums).front().second;
  EXPECT_EQ(loss(0), once);
  EXPECT_NE(loss(30), once);
  EXPECT_NE(trained, once);
}

}  // namespace
}  // namespace potluck
