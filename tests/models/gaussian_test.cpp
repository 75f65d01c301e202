// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <Eigen/Cholesky>
#include <Eigen/LU>
#include <cmath>
#include <numbers>

#include "tests/models/model_probe.h"

namespace potluck::test {
namespace {

using Matrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using testing::HasSubstr;

ModelProbe gaussian(const ProbeSetup& setup) { return ModelProbe("potluck.gaussian", "gaussian", setup); }
std::string refused(const ProbeSetup& setup) { return refusal("potluck.gaussian", "gaussian", setup); }

Numbers flat(const Matrix& matrix) { return Numbers(matrix.data(), matrix.data() + matrix.size()); }

/// A covariance [n, n] with eigenvalues of 1/2 and more.
Matrix some_covariance(int64_t n, uint64_t seed = 3) {
  const Numbers numbers = some_numbers(n * n, seed);
  const Matrix root = Eigen::Map<const Matrix>(numbers.data(), n, n);
  return root * root.transpose() / static_cast<double>(n) + 0.5 * Matrix::Identity(n, n);
}

/// log Z = n/2 log 2 pi + log det C / 2
double log_z_of(const Matrix& covariance) {
  const Eigen::LLT<Matrix> factor(covariance);
  return static_cast<double>(covariance.rows()) / 2 * std::log(2 * std::numbers::pi) +
         factor.matrixLLT().diagonal().array().log().sum();
}

/// A Gaussian in one of the ways to state it, with its mean and covariance.
struct Case {
  std::string name;
  ProbeSetup setup;
  Eigen::VectorXd mean;
  Matrix covariance;
};

std::vector<Case> cases() {
  std::vector<Case> all;
  all.push_back({"standard", {{}, {continuous_slot({3})}, {}}, Eigen::Vector3d::Zero(), Matrix::Identity(3, 3)});
  all.push_back({"listed covariance",
                 {{{"mean", "1, -1"}, {"covariance", "1, 0.8, 0.8, 1"}}, {continuous_slot({2})}, {}},
                 Eigen::Vector2d(1, -1),
                 (Matrix(2, 2) << 1, 0.8, 0.8, 1).finished()});
  all.push_back({"listed precision",
                 {{{"mean", "2"}, {"precision", "2, 0.5, 0.5, 1"}}, {continuous_slot({2})}, {}},
                 Eigen::Vector2d(2, 2),
                 (Matrix(2, 2) << 2, 0.5, 0.5, 1).finished().inverse()});
  all.push_back({"listed variances",
                 {{{"variance", "4, 0.25"}}, {continuous_slot({2})}, {}},
                 Eigen::Vector2d(0, 0),
                 Eigen::Vector2d(4, 0.25).asDiagonal()});
  for (const int64_t n : {5, 40, 65}) {
    const Numbers mean = some_numbers(n, 11);
    const Eigen::VectorXd centre = Eigen::Map<const Eigen::VectorXd>(mean.data(), n);
    const Matrix covariance = some_covariance(n);
    const std::string size = " of " + std::to_string(n);
    all.push_back(
        {"covariance" + size,
         {{}, {continuous_slot({n})}, {weight("mean", {n}, mean), weight("covariance", {n, n}, flat(covariance))}},
         centre,
         covariance});
    all.push_back({"precision" + size,
                   {{},
                    {continuous_slot({n})},
                    {weight("mean", {n}, mean), weight("precision", {n, n}, flat(covariance.inverse()))}},
                   centre,
                   covariance});
    Numbers variance = some_numbers(n, 13);
    for (double& v : variance) v = 1.2 + v;
    const Numbers factor = some_numbers(n * 4, 17);
    const Matrix diagonal = Eigen::Map<const Eigen::VectorXd>(variance.data(), n).asDiagonal();
    const Matrix loading = Eigen::Map<const Matrix>(factor.data(), n, 4);
    all.push_back({"variance" + size,
                   {{}, {continuous_slot({n})}, {weight("mean", {n}, mean), weight("variance", {n}, variance)}},
                   centre,
                   diagonal});
    all.push_back({"factor" + size,
                   {{},
                    {continuous_slot({n})},
                    {weight("mean", {n}, mean), weight("variance", {n}, variance), weight("factor", {n, 4}, factor)}},
                   centre,
                   diagonal + loading * loading.transpose()});
  }
  return all;
}

TEST(GaussianTest, EnergyIsHalfTheSquaredDistanceInThePrecision) {
  for (const Case& c : cases()) {
    SCOPED_TRACE(c.name);
    const int64_t n = c.mean.size();
    const ModelProbe model = gaussian(c.setup);
    const Numbers x = some_numbers(37 * n, 5);
    const ModelProbe::Evaluated got = model.evaluate({x});
    const Eigen::LLT<Matrix> factor(c.covariance);
    for (int64_t b = 0; b < 37; ++b) {
      const Eigen::VectorXd difference = Eigen::Map<const Eigen::VectorXd>(x.data() + b * n, n) - c.mean;
      const Eigen::VectorXd score = factor.solve(difference);
      EXPECT_NEAR(got.energy[b], 0.5 * difference.dot(score), 1e-9);
      for (int64_t i = 0; i < n; ++i) EXPECT_NEAR(got.gradient[0][b * n + i], score[i], 1e-9);
    }
  }
}

TEST(GaussianTest, LogNormaliserIsTheFormula) {
  for (const Case& c : cases()) {
    SCOPED_TRACE(c.name);
    const auto log_z = gaussian(c.setup).log_normaliser({{}}, 2);
    ASSERT_TRUE(log_z);
    EXPECT_NEAR(log_z->value[0], log_z_of(c.covariance), 1e-9);
    EXPECT_EQ(log_z->value[1], log_z->value[0]);
  }
}

TEST(GaussianTest, QuadraticFormIsTheEnergy) {
  for (const Case& c : cases()) {
    SCOPED_TRACE(c.name);
    const int64_t n = c.mean.size();
    const ModelProbe model = gaussian(c.setup);
    const auto form = model.quadratic({{}});
    ASSERT_TRUE(form);
    ASSERT_EQ(form->n, n);
    const Numbers x = some_numbers(3 * n, 7);
    const Numbers energy = model.energies({x});
    const Matrix precision = Eigen::Map<const Matrix>(form->precision.data(), n, n);
    const Eigen::VectorXd linear = Eigen::Map<const Eigen::VectorXd>(form->linear.data(), n);
    for (int64_t b = 0; b < 3; ++b) {
      const Eigen::VectorXd v = Eigen::Map<const Eigen::VectorXd>(x.data() + b * n, n);
      EXPECT_NEAR(energy[b], 0.5 * v.dot(precision * v) - linear.dot(v) + form->constant, 1e-9);
    }
  }
}

TEST(GaussianTest, WeightsAndAccumulationScaleAndAddTheGradient) {
  for (const Case& c : cases()) {
    SCOPED_TRACE(c.name);
    const int64_t n = c.mean.size();
    const ModelProbe model = gaussian(c.setup);
    const Numbers x = some_numbers(19 * n, 5), before = some_numbers(19 * n, 6);
    Numbers row_weight = some_numbers(19, 8);
    row_weight[3] = 0;
    const auto plain = model.evaluate({x});
    const auto weighted = model.evaluate({x}, {row_weight, {}, 1});
    const auto added = model.evaluate({x}, {row_weight, {before}, 1});
    EXPECT_EQ(weighted.energy, plain.energy);
    for (int64_t j = 0; j < 19 * n; ++j) {
      EXPECT_NEAR(weighted.gradient[0][j], row_weight[j / n] * plain.gradient[0][j], 1e-12);
      EXPECT_NEAR(added.gradient[0][j], before[j] + row_weight[j / n] * plain.gradient[0][j], 1e-12);
    }
  }
}

TEST(GaussianTest, SinglePrecisionAgreesWithDouble) {
  for (Case c : cases()) {
    SCOPED_TRACE(c.name);
    const int64_t n = c.mean.size();
    const Numbers x = some_numbers(33 * n, 5);
    const auto wide = gaussian(c.setup).evaluate({x});
    c.setup.precision = Precision::kFloat32;
    const auto narrow = gaussian(c.setup).evaluate({x});
    // Rounding of x and P, 6e-8 each, times the energy or the gradient's terms, with the condition number below 100.
    for (int64_t b = 0; b < 33; ++b) EXPECT_NEAR(narrow.energy[b], wide.energy[b], 2e-5 * (1 + wide.energy[b]));
    for (int64_t j = 0; j < 33 * n; ++j) EXPECT_NEAR(narrow.gradient[0][j], wide.gradient[0][j], 5e-5);
  }
}

/// Slots of n coordinates, some of which are held at 0.75, -0.75, ...: the first, the last, and a run of ten.
Slot partly_held(int64_t n) {
  Slot slot = continuous_slot({n});
  for (int64_t i = 0; i < n; ++i) {
    slot.held.push_back(i == 0 || i == n - 1 || (i >= 12 && i < 22) ? 1 : 0);
    slot.value.push_back(i % 2 == 0 ? 0.75 : -0.75);
  }
  return slot;
}

TEST(GaussianTest, HeldCoordinatesAreLeftOutOfTheWorkAndChangeNothingElse) {
  for (Case c : cases()) {
    const int64_t n = c.mean.size();
    if (n < 40) continue;
    SCOPED_TRACE(c.name);
    const ModelProbe plain = gaussian(c.setup);
    const Slot slot = partly_held(n);
    c.setup.slots = {slot};
    const ModelProbe told = gaussian(c.setup);
    Numbers x = some_numbers(19 * n, 5);
    for (int64_t j = 0; j < 19 * n; ++j)
      if (slot.held[j % n]) x[j] = slot.value[j % n];
    const Numbers row_weight = some_numbers(19, 8), before = some_numbers(19 * n, 6);
    for (const ModelProbe::How& how : {ModelProbe::How{}, ModelProbe::How{row_weight, {before}, 1}}) {
      const auto expected = plain.evaluate({x}, how), found = told.evaluate({x}, how);
      for (int64_t b = 0; b < 19; ++b) EXPECT_NEAR(found.energy[b], expected.energy[b], 1e-10 * expected.energy[b]);
      for (int64_t j = 0; j < 19 * n; ++j) {
        if (!slot.held[j % n]) {
          EXPECT_NEAR(found.gradient[0][j], expected.gradient[0][j], 1e-10);
        } else if (c.name.find("variance") == std::string::npos) {
          EXPECT_EQ(found.gradient[0][j], how.gradient.empty() ? 0 : before[j]);
        }
      }
    }
    // A diagonal form has no product to save.
    if (c.name.find("variance") == std::string::npos) {
      EXPECT_LT(told.model().workspace_bytes(256), plain.model().workspace_bytes(256));
    }
    // What is asked of the law is asked of the whole law.
    EXPECT_EQ(told.log_normaliser({{}}, 1)->value, plain.log_normaliser({{}}, 1)->value);
    EXPECT_EQ(told.quadratic({{}})->precision, plain.quadratic({{}})->precision);
    EXPECT_EQ(*told.draw(3, {{}}, {{}}), *plain.draw(3, {{}}, {{}}));
  }
}

TEST(GaussianTest, AGaussianWhoseCoordinatesAreAllHeldStillHasItsEnergy) {
  for (Case c : cases()) {
    const int64_t n = c.mean.size();
    if (n < 40) continue;
    SCOPED_TRACE(c.name);
    const ModelProbe plain = gaussian(c.setup);
    Slot slot = partly_held(n);
    slot.held.assign(static_cast<size_t>(n), 1);
    c.setup.slots = {slot};
    EXPECT_NEAR(gaussian(c.setup).energies({slot.value})[0], plain.energies({slot.value})[0], 1e-9);
  }
}

TEST(GaussianTest, RowsKeepTheirBitsInAnyPlaceOfABatchOfOneSize) {
  for (Case c : cases()) {
    c.setup.precision = Precision::kFloat32;
    SCOPED_TRACE(c.name);
    const int64_t n = c.mean.size();
    const ModelProbe model = gaussian(c.setup);
    Numbers x = some_numbers(64 * n, 5);
    const auto first = model.evaluate({x});
    std::rotate(x.begin(), x.begin() + 21 * n, x.end());
    const auto second = model.evaluate({x});
    for (int64_t b = 0; b < 64; ++b) EXPECT_EQ(second.energy[b], first.energy[(b + 21) % 64]);
    for (int64_t j = 0; j < 64 * n; ++j) EXPECT_EQ(second.gradient[0][j], first.gradient[0][(j + 21 * n) % (64 * n)]);
  }
}

/// Checks draws of the free coordinates against their exact law, each mean and covariance within 6 standard errors.
/// @returns the largest deviation in standard errors.
double worst_deviation(const Numbers& draws, const Eigen::VectorXd& mean, const Matrix& covariance) {
  const int64_t n = mean.size();
  const double rows = static_cast<double>(draws.size()) / static_cast<double>(n);
  const Moments got = moments(draws, n);
  double worst = 0;
  for (int64_t i = 0; i < n; ++i) {
    worst = std::max(worst, std::abs(got.mean[i] - mean[i]) / std::sqrt(covariance(i, i) / rows));
    for (int64_t j = 0; j < n; ++j) {
      const double variance = covariance(i, i) * covariance(j, j) + covariance(i, j) * covariance(i, j);
      worst = std::max(worst, std::abs(got.covariance[i * n + j] - covariance(i, j)) / std::sqrt(variance / rows));
    }
  }
  return worst;
}

TEST(GaussianTest, DrawsHaveTheMeanAndTheCovariance) {
  for (const Case& c : cases()) {
    if (c.mean.size() > 40) continue;
    SCOPED_TRACE(c.name);
    const auto draws = gaussian(c.setup).draw(100000, {{}}, {{}});
    ASSERT_TRUE(draws);
    EXPECT_LT(worst_deviation(*draws, c.mean, c.covariance), 6);
    // Twin: the same draws against a covariance 5 % larger; the variance of n draws has standard error sqrt(2/n) =
    // .0045.
    EXPECT_GT(worst_deviation(*draws, c.mean, 1.05 * c.covariance), 8);
  }
}

TEST(GaussianTest, DrawsGivenSomeCoordinatesFollowTheSchurComplement) {
  for (const Case& c : cases()) {
    const int64_t n = c.mean.size();
    if (n != 5) continue;
    SCOPED_TRACE(c.name);
    const std::vector<uint8_t> held = {0, 1, 0, 1, 0};
    const std::vector<int64_t> f = {0, 2, 4}, h = {1, 3};
    Numbers x;
    for (int b = 0; b < 100000; ++b) x.insert(x.end(), {9, 1.5, 9, -0.75, 9});
    const auto draws = gaussian(c.setup).draw(100000, {x}, {held});
    ASSERT_TRUE(draws);
    Numbers free;
    for (int64_t b = 0; b < 100000; ++b) {
      ASSERT_EQ((*draws)[b * n + 1], 1.5);
      ASSERT_EQ((*draws)[b * n + 3], -0.75);
      for (const int64_t i : f) free.push_back((*draws)[b * n + i]);
    }
    const Matrix pull = c.covariance(f, h) * Matrix(c.covariance(h, h)).inverse();
    const Eigen::VectorXd mean = c.mean(f) + pull * (Eigen::Vector2d(1.5, -0.75) - Eigen::VectorXd(c.mean(h)));
    const Matrix covariance = c.covariance(f, f) - pull * c.covariance(h, f);
    EXPECT_LT(worst_deviation(free, mean, covariance), 6);
    // Twin: the marginal law, as if nothing were held.
    if (c.name != "variance of 5") {
      EXPECT_GT(worst_deviation(free, c.mean(f), c.covariance(f, f)), 8);
    }
  }
}

TEST(GaussianTest, StatesItsFacts) {
  const ModelProbe model = gaussian({{}, {continuous_slot({28, 28})}, {}});
  EXPECT_EQ(model.model().facts().least_energy, 0);
  for (const uint64_t ability : {POTLUCK_CAN_FLOAT64, POTLUCK_CAN_ACCUMULATE, POTLUCK_THREAD_SAFE, POTLUCK_ROWS_ALONE,
                                 POTLUCK_INTEGRABLE, POTLUCK_BOUNDED_ON_BOXES})
    EXPECT_TRUE(model.model().can(ability)) << ability;
  EXPECT_FALSE(model.model().can(POTLUCK_HARD_WALLS));
}

TEST(GaussianTest, RefusalsSayWhatIsWrongAndWhatToDo) {
  const std::vector<Slot> two = {continuous_slot({2})};
  EXPECT_THAT(refused({{{"mean", "1, 2, 3"}}, two, {}}), HasSubstr("setting 'mean' must have 2 numbers, got 3"));
  EXPECT_THAT(refused({{}, {continuous_slot({28, 28})}, {weight("mean", {1024}, Numbers(1024))}}),
              HasSubstr("weights 'mean' must have 784 numbers, got 1024"));
  EXPECT_THAT(refused({{{"covariance", "1, 2, 2, 1"}}, two, {}}),
              HasSubstr("setting 'covariance' must be positive definite, got a smallest eigenvalue of -1. Add"));
  EXPECT_THAT(
      refused({{{"precision", "1, 0.5, 0.4, 1"}}, two, {}}),
      HasSubstr("setting 'precision' must be symmetric, got 0.4 in row 1, column 0 and 0.5 in row 0, column 1"));
  EXPECT_THAT(refused({{{"precision", "1, 1, 1"}}, two, {}}),
              HasSubstr("setting 'precision' must have 1, 2 or 4 numbers (2 x 2), got 3"));
  EXPECT_THAT(refused({{{"variance", "1, 0"}}, two, {}}),
              HasSubstr("setting 'variance' must be > 0 and finite, got 0"));
  EXPECT_THAT(refused({{{"variance", "1"}, {"precision", "1"}}, two, {}}),
              HasSubstr("setting 'precision' must be left out where another of variance, covariance and precision is"));
  EXPECT_THAT(refused({{{"factor", "1, 2"}}, two, {}}), HasSubstr("setting 'factor' must come with 'variance'"));
  EXPECT_THAT(refused({{{"factor", "1, 2, 3"}, {"variance", "1"}}, two, {}}),
              HasSubstr("setting 'factor' must have a multiple of 2 numbers ([2, rank]), got 3"));
  EXPECT_THAT(refused({{{"mean", "1"}}, two, {weight("mean", {2}, {1, 2})}}),
              HasSubstr("setting 'mean' must be left out, for the weights have an array of that name"));
  EXPECT_THAT(refused({{}, two, {weight("weight", {2}, {1, 2})}}), HasSubstr("weights must have arrays among 'mean'"));
}

}  // namespace
}  // namespace potluck::test
