// SPDX-License-Identifier: Apache-2.0
// What is MALA's own; exact_kernels_test.cpp has the checks that it shares with all exact kernels.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>

#include "tests/core/energies.h"
#include "tests/exactness/exact_kernel.h"
#include "tests/exactness/harness.h"
#include "tests/exactness/targets.h"

namespace potluck::testing {
namespace {

constexpr int64_t kChains = 1000000;
constexpr int kMoves = 20;

std::unique_ptr<Method> mala(double step_size) { return named("mala", {{"step_size", fmt::format("{}", step_size)}}); }

class MalaExactnessTest : public ::testing::TestWithParam<size_t> {
 protected:
  const ExactTarget& target() const { return exact_targets()[GetParam()]; }
};

TEST_P(MalaExactnessTest, RejectsTwoEpsilonForFourInTheRatio) {
  const auto energy = target().energy(1);
  const auto twin = broken_mala(target().mala[1].step_size, {.correction = 2});
  EXPECT_GT(distance_after(target(), *energy, *twin).d, kRejectD);
}

INSTANTIATE_TEST_SUITE_P(Targets, MalaExactnessTest, ::testing::Range<size_t>(0, 4));

// P(x > 0) of the mixture is .3 Phi(2.5) + .7 Phi(-2.5/.6) = .298148.
TEST(MalaTest, KeepsTheMassOfAMode) {
  const ExactTarget& target = exact_targets()[1];
  const auto energy = target.energy(1);
  const auto method = mala(target.mala[1].step_size);
  Walkers walkers(*energy, *method, target.draw(kChains), 4);
  walkers.move(kMoves);
  std::vector<double> above;
  for (const double x : walkers.positions()) above.push_back(x > 0);
  EXPECT_LT(std::fabs(z_mean(above, 0.298148)), kPass);
}

// No law sees whether chains decide alone; the number that moves in each step does: it is binomial.
double worst_acceptance_count(const Method& method, double acceptance) {
  const ExactTarget& target = exact_targets()[0];
  const auto energy = target.energy(1);
  constexpr int64_t kCount = 200000;
  Walkers walkers(*energy, method, target.draw(kCount), 5);
  std::vector<double> before = walkers.positions();
  double worst = 0;
  for (int move = 0; move < 10; ++move) {
    walkers.move(1);
    const std::vector<double> after = walkers.positions();
    double moved = 0;
    for (int64_t chain = 0; chain < kCount; ++chain) moved += after[chain] != before[chain];
    const double se = std::sqrt(static_cast<double>(kCount) * acceptance * (1 - acceptance));
    worst = std::max(worst, std::fabs(moved - static_cast<double>(kCount) * acceptance) / se);
    before = after;
  }
  return worst;
}

TEST(MalaTest, DecidesChainByChain) {
  const double step_size = exact_targets()[0].mala[2].step_size;
  const double acceptance = mala_acceptance(
      [](double x, double* g) {
        *g = std::exp(x) - 1;
        return std::exp(x) - x;
      },
      step_size, -22, 4);
  EXPECT_NEAR(acceptance, 0.6, 0.005);
  EXPECT_LT(worst_acceptance_count(*mala(step_size), acceptance), kPass);
  EXPECT_LT(worst_acceptance_count(*broken_mala(step_size, {}), acceptance), kPass);  // the twins' own ground
  EXPECT_GT(worst_acceptance_count(*broken_mala(step_size, {.one_decision = true}), acceptance), kReject);
  EXPECT_GT(worst_acceptance_count(*broken_mala(step_size, {.one_uniform = true}), acceptance), kReject);
}

TEST(MalaTest, TheFluxSeesTwoEpsilonForFourInTheRatio) {
  const ExactTarget& target = exact_targets()[1];
  EXPECT_GT(flux(target, *target.energy(1), *broken_mala(target.mala[1].step_size, {.correction = 2})), kReject);
}

// 2 (x^2 - 1)^2: E[x^2] = .852136, E[E] = .545728, P(x > 0) = 1/2; at 1.1 log p E[x^2] is .859831.
TEST(MalaTest, SamplesTheDoubleWell) {
  const auto well = [](double factor) {
    return [factor](const double* x, double* g) {
      const double q = x[0] * x[0] - 1;
      g[0] = factor * 8 * x[0] * q;
      return factor * 2 * q * q;
    };
  };
  const TabulatedLaw law([](double x) { return std::exp(-2 * (x * x - 1) * (x * x - 1)); }, -3, 3);
  EXPECT_NEAR(law.variance(), 0.852136, 1e-6);
  std::vector<double> start;
  // Exact starts by inversion of the tabulated law.
  for (int64_t i = 0; i < kChains; ++i) {
    const double u = (static_cast<double>((i * 7919) % kChains) + 0.5) / kChains;
    double low = -3, high = 3;
    for (int k = 0; k < 45; ++k) (law.cdf((low + high) / 2) < u ? low : high) = (low + high) / 2;
    start.push_back(low);
  }
  const auto squares = [&](double factor) {
    const RowEnergy energy(line("x"), well(factor));
    const auto method = mala(0.1);
    Walkers walkers(energy, *method, start, 7);
    walkers.move(kMoves);
    return walkers.positions();
  };
  std::vector<double> x2, e, above;
  for (const double x : squares(1)) {
    x2.push_back(x * x);
    e.push_back(2 * (x * x - 1) * (x * x - 1));
    above.push_back(x > 0);
  }
  EXPECT_LT(std::fabs(z_mean(x2, 0.852136)), kPass);
  EXPECT_LT(std::fabs(z_mean(e, 0.545728)), kPass);
  EXPECT_LT(std::fabs(z_mean(above, 0.5)), kPass);
  std::vector<double> twin;
  for (const double x : squares(1.1)) twin.push_back(x * x);
  EXPECT_GT(std::fabs(z_mean(twin, 0.852136)), kReject);
}

}  // namespace
}  // namespace potluck::testing
