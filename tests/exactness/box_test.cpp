// SPDX-License-Identifier: Apache-2.0
// Reflecting faces. sigma is the standard deviation of a step's noise: eps = sigma^2 / 2 at T = 1.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

#include "tests/core/energies.h"
#include "tests/exactness/harness.h"
#include "tests/exactness/targets.h"

namespace potluck::testing {
namespace {

constexpr int64_t kChains = 1000000;
constexpr double kMean = 0.3275778, kVariance = 0.0307790;  // of N(.3, .2^2) confined to [0, 1]

auto flat(Variable variable) {
  return RowEnergy(std::move(variable), [](const double*, double* g) {
    g[0] = 0;
    return 0.0;
  });
}

auto confined() {
  return RowEnergy(line("x", 1, 0, 1), [](const double* x, double* g) {
    g[0] = (x[0] - 0.3) / 0.04;
    return (x[0] - 0.3) * (x[0] - 0.3) / 0.08;
  });
}

std::vector<double> uniform_start() {
  std::mt19937_64 source(1);
  std::uniform_real_distribution<> u;
  std::vector<double> x(kChains);
  for (double& one : x) one = u(source);
  return x;
}

std::vector<double> confined_start() {
  std::mt19937_64 source(2);
  std::normal_distribution<> z(0.3, 0.2);
  std::vector<double> x(kChains);
  for (double& one : x) {
    do one = z(source);
    while (one < 0 || one > 1);
  }
  return x;
}

std::unique_ptr<Method> with_noise(const std::string& method_name, double sigma) {
  return named(method_name, {{"step_size", fmt::format("{}", sigma * sigma / 2)}});
}

int64_t at_a_face(const std::vector<double>& x) {
  return std::max(std::count(x.begin(), x.end(), 0.0), std::count(x.begin(), x.end(), 1.0));
}

std::vector<double> moved(const Energy& energy, const Method& method, const std::vector<double>& start, int moves) {
  Walkers walkers(energy, method, start, 3);
  walkers.move(moves);
  return walkers.positions();
}

double uniform_cdf(double x) { return std::clamp(x, 0.0, 1.0); }

TEST(BoxTest, KeepsTheUniformLaw) {
  const auto energy = flat(line("x", 1, 0, 1));
  for (const char* method : {"langevin", "mala"}) {
    const std::vector<double> x = moved(energy, *with_noise(method, 0.05), uniform_start(), 50);
    EXPECT_LT(kolmogorov(x, uniform_cdf), kPassD) << method;
    EXPECT_LT(std::fabs(z_mean(x, 0.5)), kPass) << method;
    EXPECT_LT(std::fabs(z_variance(x, 1.0 / 12)), kPass) << method;
    EXPECT_LE(at_a_face(x), 10) << method;
  }
}

// Putting on the face what leaves the support, as the published recipe does, leaves atoms there.
TEST(BoxTest, TheCheckRejectsClamping) {
  const auto energy = flat(line("x", 1, 0, 1));
  const auto clamping = named("ebm_practice", {{"step", "0.1"}, {"noise", "0.05"}, {"clip", "inf"}, {"clamp", "true"}});
  const std::vector<double> x = moved(energy, *clamping, uniform_start(), 50);
  EXPECT_GT(kolmogorov(x, uniform_cdf), kRejectD);
  EXPECT_GT(at_a_face(x), 1000);
}

TEST(BoxTest, MalaKeepsAConfinedNormal) {
  const TabulatedLaw law([](double x) { return std::exp(-(x - 0.3) * (x - 0.3) / 0.08); }, 0, 1);
  EXPECT_NEAR(law.mean(), kMean, 1e-7);
  EXPECT_NEAR(law.variance(), kVariance, 1e-7);
  const auto energy = confined();
  const std::vector<double> x = moved(energy, *with_noise("mala", 0.2), confined_start(), 20);
  EXPECT_LT(kolmogorov(x, [&](double v) { return law.cdf(v); }), kPassD);
  EXPECT_LT(std::fabs(z_mean(x, kMean)), kPass);
  EXPECT_LT(std::fabs(z_variance(x, kVariance)), kPass);
  EXPECT_LE(at_a_face(x), 10);
}

TEST(BoxTest, TheCheckRejectsARatioOfTheFoldedDifference) {
  const auto energy = confined();
  const std::vector<double> x = moved(energy, *broken_mala(0.02, {.folded_difference = true}), confined_start(), 20);
  EXPECT_GT(std::fabs(z_mean(x, kMean)), kReject);
  // The same scalar code without the fault passes, so it is the fault that is seen.
  EXPECT_LT(std::fabs(z_mean(moved(energy, *broken_mala(0.02, {}), confined_start(), 20), kMean)), kPass);
}

TEST(BoxTest, OneSidedSupportsReflectToo) {
  // |N(0, 1)|: mean sqrt(2/pi), variance 1 - 2/pi.
  const auto energy = normal_energy(line("x", 1, 0, INFINITY), 1);
  std::mt19937_64 source(4);
  std::normal_distribution<> z;
  std::vector<double> start(kChains);
  for (double& one : start) one = std::fabs(z(source));
  const std::vector<double> x = moved(energy, *with_noise("mala", 1), start, 20);
  EXPECT_LT(std::fabs(z_mean(x, std::sqrt(2 / M_PI))), kPass);
  EXPECT_LT(std::fabs(z_variance(x, 1 - 2 / M_PI)), kPass);
}

}  // namespace
}  // namespace potluck::testing
