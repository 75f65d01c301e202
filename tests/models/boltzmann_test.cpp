// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/models/preconditioned_case.h"

namespace potluck::test {
namespace {

constexpr size_t kHidden = 3, kVisible = 4;

ProbeSetup small(const std::string& visible) {
  return {{{"hidden", "3"}, {"visible", visible}, {"scale", "0.7"}}, {continuous_slot({2, 2})}, {}};
}
ModelProbe boltzmann(const ProbeSetup& setup) { return ModelProbe("potluck.boltzmann", "boltzmann", setup); }

void make_uneven(ModelProbe& probe) {
  Parameters p(probe.model());
  p.write("weight", some_numbers(kHidden * kVisible, 31));
  p.write("visible_bias", some_numbers(kVisible, 32));
  p.write("hidden_bias", {-1, 0.5, 0.2});
  probe.model().parameters_changed();
}

/// -log sum over the hidden units' states of exp(-E(x, h)), from the energy of the machine with its hidden units.
double energy_by_states(const Parameters& p, const Numbers& x, bool gaussian) {
  const Numbers weight = p.at("weight"), a = p.at("visible_bias"), b = p.at("hidden_bias");
  const double s = gaussian ? 0.7 : 1;
  double sum = 0;
  for (size_t state = 0; state < 1u << kHidden; ++state) {
    double energy = 0;
    for (size_t i = 0; i < kVisible; ++i)
      energy += gaussian ? (x[i] - a[i]) * (x[i] - a[i]) / (2 * s * s) : -a[i] * x[i];
    for (size_t j = 0; j < kHidden; ++j) {
      if ((state >> j & 1) == 0) continue;
      energy -= b[j];
      for (size_t i = 0; i < kVisible; ++i) energy -= weight[j * kVisible + i] * x[i] / s;
    }
    sum += std::exp(-energy);
  }
  return -std::log(sum);
}

class BoltzmannTest : public testing::TestWithParam<const char*> {};

TEST_P(BoltzmannTest, IsTheMachineWithItsHiddenUnitsSummedOut) {
  ModelProbe probe = boltzmann(small(GetParam()));
  make_uneven(probe);
  const Parameters p(probe.model());
  const Numbers x = some_numbers(5 * kVisible, 2), energy = probe.energies({x});
  for (size_t b = 0; b < 5; ++b) {
    const auto first = x.begin() + static_cast<int64_t>(b * kVisible);
    const double expected = energy_by_states(p, {first, first + kVisible}, std::string(GetParam()) == "gaussian");
    EXPECT_NEAR(energy[b], expected, 1e-12 * (1 + std::abs(expected))) << b;
  }
}

TEST_P(BoltzmannTest, GradientsAreThoseOfTheEnergy) {
  ModelProbe probe = boltzmann(small(GetParam()));
  make_uneven(probe);
  const std::vector<Numbers> at = {some_numbers(3 * kVisible, 4)};
  EXPECT_LT(probe.worst_gradient_error(at), 1e-7);
  const Numbers along = some_numbers(3 * kVisible, 6), cotangent = {1, -0.5, 2};
  EXPECT_LT(parameter_gradient_error(probe, at, cotangent, {}), 1e-6);
  EXPECT_LT(parameter_gradient_error(probe, at, {}, {along}), 1e-6);
  EXPECT_LT(parameter_gradient_error(probe, at, cotangent, {along}), 1e-6);
}

INSTANTIATE_TEST_SUITE_P(VisibleUnits, BoltzmannTest, testing::Values("gaussian", "relaxed"));

/// log Z of two visible units by a midpoint rule of 400 x 400 points over [-9, 9]^2, where the tails are below 1e-20.
double log_z_by_grid(const ModelProbe& probe) {
  constexpr int kPoints = 400;
  constexpr double kWidth = 18.0 / kPoints;
  double sum = 0;
  for (int line = 0; line < kPoints; ++line) {
    Numbers x;
    for (int column = 0; column < kPoints; ++column) {
      x.push_back(-9 + (line + 0.5) * kWidth);
      x.push_back(-9 + (column + 0.5) * kWidth);
      if (x.size() < 400) continue;
      for (const double energy : probe.energies({x})) sum += std::exp(-energy) * kWidth * kWidth;
      x.clear();
    }
  }
  return std::log(sum);
}

TEST(BoltzmannModelTest, LogZOfRealUnitsIsASumOverTheHiddenStates) {
  ProbeSetup setup = small("gaussian");
  setup.slots = {continuous_slot({2})};
  setup.settings["hidden"] = "4";
  ModelProbe probe = boltzmann(setup);
  Parameters p(probe.model());
  p.write("weight", {2, -1, 0.5, 1.5, -2, 0.3, 1, 1});
  p.write("visible_bias", {0.4, -0.3});
  p.write("hidden_bias", {-1, 0.5, 0.2, -0.7});
  probe.model().parameters_changed();
  const double log_z = probe.log_normaliser({{}}, 1)->value[0];
  EXPECT_NEAR(log_z, log_z_by_grid(probe), 1e-9);
  p.write("hidden_bias", {-1, 0.5, 0.2, -0.6});  // the twin: another bias is another log Z
  probe.model().parameters_changed();
  EXPECT_GT(std::abs(log_z - log_z_by_grid(probe)), 1e-2);
}

TEST(BoltzmannModelTest, LogZOfUnitsThatAreNotConnectedIsAProduct) {
  // W = 0: (2 pi s^2)^(n/2) prod_j (1 + exp(b_j)), also with as many hidden units as can be counted.
  for (const int64_t hidden : {1, 20}) {
    ProbeSetup setup = small("gaussian");
    setup.settings["hidden"] = std::to_string(hidden);
    setup.weights = {weight("weight", {hidden, 4}, Numbers(static_cast<size_t>(4 * hidden), 0)),
                     weight("visible_bias", {4}, {1, 2, 3, 4}),
                     weight("hidden_bias", {hidden}, Numbers(static_cast<size_t>(hidden), 0.3))};
    EXPECT_NEAR(boltzmann(setup).log_normaliser({{}}, 1)->value[0],
                2 * std::log(2 * std::numbers::pi * 0.49) + static_cast<double>(hidden) * std::log1p(std::exp(0.3)),
                1e-9);
  }
}

TEST(BoltzmannModelTest, LogZIsNotKnownOfManyUnitsNorOfRelaxedOnes) {
  ProbeSetup setup = small("gaussian");
  setup.settings["hidden"] = "21";
  EXPECT_FALSE(boltzmann(setup).log_normaliser({{}}, 1));
  EXPECT_FALSE(boltzmann(small("relaxed")).log_normaliser({{}}, 1));
  EXPECT_FALSE(boltzmann(setup).draw(1, {Numbers()}, {{}}));
  EXPECT_FALSE(boltzmann(small("relaxed")).draw(1, {Numbers()}, {{}}));
}

// One hidden unit and one visible one: h = 1 with the odds exp(b + a w/s + w^2/2), then x ~ N(a + s w h, s^2).
TEST(BoltzmannModelTest, DrawsHaveTheMomentsOfItsTwoGaussians) {
  const double a = 0.4, b = -2.6, w = 1.8, s = 0.7;  // odds near 1
  ProbeSetup setup = small("gaussian");
  setup.slots = {continuous_slot({1})};
  setup.settings["hidden"] = "1";
  setup.weights = {weight("weight", {1, 1}, {w}), weight("visible_bias", {1}, {a}), weight("hidden_bias", {1}, {b})};
  const ModelProbe probe = boltzmann(setup);
  constexpr int64_t kDraws = 200;
  double sum = 0, squares = 0;
  for (uint64_t seed = 1; seed <= 200; ++seed) {
    const std::optional<Numbers> drawn = probe.draw(kDraws, {Numbers()}, {{}}, 0, seed);
    ASSERT_TRUE(drawn);
    for (const double x : *drawn) sum += x, squares += x * x;
  }
  const double count = 200 * kDraws, mean = sum / count, variance = squares / count - mean * mean;
  const double odds = std::exp(b + a * w / s + w * w / 2), on = odds / (1 + odds);
  const double exact = s * s * (1 + w * w * on * (1 - on));
  EXPECT_NEAR(mean, a + s * w * on, 6 * std::sqrt(exact / count));
  EXPECT_NEAR(variance, exact, 6 * exact * std::sqrt(2 / count));  // two equal Gaussians have thinner tails than one
  // The twin: odds that forget what integrating x out adds to them.
  const double other = std::exp(b + a * w / s) / (1 + std::exp(b + a * w / s));
  EXPECT_GT(std::abs(mean - (a + s * w * other)), 6 * std::sqrt(exact / count));
}

TEST(BoltzmannModelTest, RelaxedUnitsAreNoDensityWithoutBounds) {
  EXPECT_TRUE(boltzmann(small("gaussian")).model().facts().abilities & POTLUCK_INTEGRABLE);
  EXPECT_FALSE(boltzmann(small("relaxed")).model().facts().abilities & POTLUCK_INTEGRABLE);
}

TEST(BoltzmannModelTest, RefusesWeightsOfAnotherArchitecture) {
  ProbeSetup setup = small("gaussian");
  setup.weights = {weight("weight", {2, 4}, Numbers(8, 0.1))};
  EXPECT_THAT(refusal("potluck.boltzmann", "boltzmann", setup),
              testing::HasSubstr("weights 'weight' must have the shape [3, 4] of this architecture, got [2, 4]"));
}

}  // namespace
}  // namespace potluck::test
