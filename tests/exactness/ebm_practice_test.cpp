// SPDX-License-Identifier: Apache-2.0
// x' = x - h grad E + s z on N(0, 1) has the variance s^2 / (1 - (1 - h)^2): h = .1, s = .005 gives 1.316e-4.
#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "tests/core/energies.h"
#include "tests/exactness/harness.h"

namespace potluck::testing {
namespace {

constexpr int64_t kChains = 1000000;

double z_of_variance(const Method& method, double variance) {
  const auto energy = normal_energy(line("x"), 1);
  std::mt19937_64 source(1);
  std::normal_distribution<> z(0, std::sqrt(variance));
  std::vector<double> start(kChains);
  for (double& one : start) one = z(source);
  Walkers walkers(energy, method, start, 2);
  walkers.move(100);
  return std::fabs(z_variance(walkers.positions(), variance));
}

TEST(EbmPracticeTest, HasTheVarianceOfItsRecursionWhereNothingIsClipped) {
  const double variance = 0.005 * 0.005 / (1 - 0.9 * 0.9);
  EXPECT_NEAR(variance, 1.316e-4, 1e-7);
  EXPECT_LT(
      z_of_variance(*named("ebm_practice", {{"step", "0.1"}, {"noise", "0.005"}, {"clip", "inf"}, {"clamp", "false"}}),
                    variance),
      kPass);
  // The twin adds the noise before the gradient is taken, as the released code does: variance (1 - h)^2 as large.
  const Twin twin(
      [](Group& group, const Kernels& kernels, uint32_t step) {
        kernels.langevin(group, step, 0, 0.005);
        group.evaluate();
        kernels.langevin(group, step, 0.1, 0);
        group.evaluate();
      },
      false);
  EXPECT_GT(z_of_variance(twin, variance), kReject);
}

TEST(EbmPracticeTest, ClipsTheGradientAndCountsIt) {
  // |grad E| = |x| is clipped to .01 nearly everywhere on N(0, 1): a step moves by exactly h clip without noise.
  const auto energy = normal_energy(line("x"), 1);
  const auto method = named("ebm_practice", {{"step", "10"}, {"noise", "0"}, {"clip", "0.01"}, {"clamp", "true"}});
  Walkers walkers(energy, *method, {2.0, -2.0, 0.005}, 1);
  walkers.move(1);
  const std::vector<double> x = walkers.positions();
  EXPECT_DOUBLE_EQ(x[0], 2.0 - 0.1);
  EXPECT_DOUBLE_EQ(x[1], -2.0 + 0.1);
  EXPECT_DOUBLE_EQ(x[2], 0.005 - 10 * 0.005);
}

TEST(EbmPracticeTest, ClampsToTheSupportAsPublishedOrReflects) {
  const auto energy = normal_energy(line("x", 1, 1, 3), 1);
  for (const bool clamp : {true, false}) {
    const auto method =
        named("ebm_practice", {{"step", "1"}, {"noise", "0"}, {"clip", "inf"}, {"clamp", clamp ? "true" : "false"}});
    Walkers walkers(energy, *method, {1.5}, 1);
    walkers.move(1);
    EXPECT_DOUBLE_EQ(walkers.positions()[0], clamp ? 1.0 : 2.0);  // 1.5 - 1.5 = 0, one below the face at 1
  }
}

TEST(EbmPracticeTest, SaysItsTemperatureAndWhatWasClipped) {
  const auto method = named("ebm_practice", {{"step", "10"}, {"noise", "0.005"}, {"clip", "0.01"}, {"clamp", "true"}});
  const std::vector<std::string> notes = method->notes({.temperature = 1, .acceptance = 1, .clipped = 0.25});
  ASSERT_EQ(notes.size(), 1u);
  EXPECT_EQ(notes[0],
            "ebm_practice: where nothing is clipped it runs at T = noise^2 / (2 step) = 1.25e-06, i.e. noisy descent, "
            "not a sample of exp(-E); 25.0 % of the gradient's elements were clipped");
}

}  // namespace
}  // namespace potluck::testing
