// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

#include "tests/models/model_probe.h"

namespace potluck::test {
namespace {

using testing::HasSubstr;

// x of 3 numbers, z of 2.
const Numbers kMatrix = {1, 2, -0.5, 0.25, 3, -1}, kOffset = {0.5, -1, 2}, kVariance = {0.25, 1, 4};

ProbeSetup setup() {
  return {{{"matrix", "1, 2, -0.5, 0.25, 3, -1"}, {"offset", "0.5, -1, 2"}, {"variance", "0.25, 1, 4"}},
          {continuous_slot({3}), continuous_slot({2})},
          {}};
}
ModelProbe linear(const ProbeSetup& probe = setup()) {
  return ModelProbe("potluck.linear_gaussian", "linear_gaussian", probe);
}
double mean_of(const double* z, int64_t i) { return kMatrix[i * 2] * z[0] + kMatrix[i * 2 + 1] * z[1] + kOffset[i]; }

TEST(LinearGaussianTest, EnergyIsTheScaledResidual) {
  const Numbers x = some_numbers(21 * 3, 1), z = some_numbers(21 * 2, 2);
  const Numbers energy = linear().energies({x, z});
  for (int64_t b = 0; b < 21; ++b) {
    double expected = 0;
    for (int64_t i = 0; i < 3; ++i) expected += std::pow(x[b * 3 + i] - mean_of(&z[b * 2], i), 2) / (2 * kVariance[i]);
    EXPECT_NEAR(energy[b], expected, 1e-12);
  }
  EXPECT_LT(linear().worst_gradient_error({x, z}, 0), 1e-7);
  EXPECT_LT(linear().worst_gradient_error({x, z}, 1), 1e-7);
}

TEST(LinearGaussianTest, LogNormaliserIsTheNoisesWhateverTheParent) {
  const auto log_z = linear().log_normaliser({{}, {5, -3, 0, 1}}, 2);
  ASSERT_TRUE(log_z);
  // 3/2 log 2 pi + log(1/4 * 1 * 4) / 2 = 3/2 log 2 pi
  for (const double value : log_z->value) EXPECT_NEAR(value, 1.5 * std::log(2 * std::numbers::pi), 1e-12);
  EXPECT_EQ(log_z->gradient[1], Numbers(4, 0.0));
}

TEST(LinearGaussianTest, QuadraticFormIsTheEnergyInWhateverIsOpen) {
  const ModelProbe model = linear();
  const Numbers x = some_numbers(3, 5), z = some_numbers(2, 6);
  const double energy = model.energies({x, z})[0];
  for (const bool x_open : {true, false})
    for (const bool z_open : {true, false}) {
      Numbers v;
      if (x_open) v.insert(v.end(), x.begin(), x.end());
      if (z_open) v.insert(v.end(), z.begin(), z.end());
      const auto form = model.quadratic({x_open ? Numbers() : x, z_open ? Numbers() : z});
      ASSERT_TRUE(form);
      ASSERT_EQ(form->n, static_cast<int64_t>(v.size()));
      double sum = form->constant;
      for (size_t i = 0; i < v.size(); ++i) {
        sum -= form->linear[i] * v[i];
        for (size_t j = 0; j < v.size(); ++j) sum += 0.5 * v[i] * form->precision[i * v.size() + j] * v[j];
      }
      EXPECT_NEAR(sum, energy, 1e-12) << x_open << z_open;
    }
}

TEST(LinearGaussianTest, DrawsFollowTheirParentAndKeepWhatIsHeld) {
  const int64_t rows = 40000;
  Numbers z, x;
  for (int64_t b = 0; b < rows; ++b) {
    z.insert(z.end(), {0.5, -1});
    x.insert(x.end(), {9, 7.25, 9});
  }
  const auto draws = linear().draw(rows, {x, z}, {{0, 1, 0}, {}});
  ASSERT_TRUE(draws);
  const Moments got = moments(*draws, 3);
  const double parent[] = {0.5, -1};
  for (const int64_t i : {0, 2}) {
    EXPECT_NEAR(got.mean[i], mean_of(parent, i), 6 * std::sqrt(kVariance[i] / rows));
    EXPECT_NEAR(got.covariance[i * 4], kVariance[i], 6 * kVariance[i] * std::sqrt(2.0 / rows));
    // Twin: the mean without the parent's part is far off.
    EXPECT_GT(std::abs(got.mean[i] - kOffset[i]), 8 * std::sqrt(kVariance[i] / rows));
  }
  for (int64_t b = 0; b < rows; ++b) ASSERT_EQ((*draws)[b * 3 + 1], 7.25);
}

TEST(LinearGaussianTest, WeightsAndAccumulationScaleAndAddBothGradients) {
  const Numbers x = some_numbers(4 * 3, 1), z = some_numbers(4 * 2, 2), row_weight = {1, 0, -2, 0.5};
  const Numbers before_x = some_numbers(4 * 3, 3), before_z = some_numbers(4 * 2, 4);
  const auto plain = linear().evaluate({x, z});
  const auto added = linear().evaluate({x, z}, {row_weight, {before_x, before_z}, 1});
  for (int64_t j = 0; j < 12; ++j)
    EXPECT_NEAR(added.gradient[0][j], before_x[j] + row_weight[j / 3] * plain.gradient[0][j], 1e-12);
  for (int64_t j = 0; j < 8; ++j)
    EXPECT_NEAR(added.gradient[1][j], before_z[j] + row_weight[j / 2] * plain.gradient[1][j], 1e-12);
}

TEST(LinearGaussianTest, SinglePrecisionAgreesWithDouble) {
  ProbeSetup narrow = setup();
  narrow.precision = Precision::kFloat32;
  const Numbers x = some_numbers(30, 1), z = some_numbers(20, 2);
  const auto wide = linear().evaluate({x, z});
  const auto got = linear(narrow).evaluate({x, z});
  for (int64_t b = 0; b < 10; ++b) EXPECT_NEAR(got.energy[b], wide.energy[b], 1e-6 * (1 + wide.energy[b]));
  for (int64_t j = 0; j < 20; ++j) EXPECT_NEAR(got.gradient[1][j], wide.gradient[1][j], 2e-5);
}

TEST(LinearGaussianTest, RefusalsSayWhatIsWrong) {
  const std::vector<Slot> slots = {continuous_slot({3}), continuous_slot({2})};
  const auto refused = [&](const ProbeSetup& probe) {
    return refusal("potluck.linear_gaussian", "linear_gaussian", probe);
  };
  EXPECT_THAT(refused({{}, slots, {}}),
              HasSubstr("setting 'matrix' must be given where x and z differ in size, got x of 3 and z of 2 numbers"));
  EXPECT_THAT(refused({{{"matrix", "1, 2, 3"}}, slots, {}}), HasSubstr("setting 'matrix' must have 6 numbers, got 3"));
  EXPECT_THAT(refused({{}, slots, {weight("matrix", {3, 2}, kMatrix), weight("offset", {2}, {1, 2})}}),
              HasSubstr("weights 'offset' must have 3 numbers, got 2"));
}

}  // namespace
}  // namespace potluck::test
