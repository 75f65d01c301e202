// SPDX-License-Identifier: Apache-2.0
// ULA on E = lambda x^2 / 2 has the stationary variance (T/lambda) / (1 - eps lambda/2) and lag-1 correlation
// 1 - eps lambda: x' = (1 - eps lambda) x + sqrt(2 eps T) z.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "tests/core/energies.h"
#include "tests/exactness/harness.h"

namespace potluck::testing {
namespace {

constexpr int64_t kChains = 1 << 20;

std::vector<double> normals(double variance, uint64_t seed) {
  std::mt19937_64 source(seed);
  std::normal_distribution<> z(0, std::sqrt(variance));
  std::vector<double> x(kChains);
  for (double& one : x) one = z(source);
  return x;
}

double discretised_variance(double step_size, double lambda, double temperature) {
  return temperature / lambda / (1 - step_size * lambda / 2);
}

/// The relative error of the variance in standard errors sqrt(2/n), started from the discretised law.
double z_of_variance(const Method& method, double step_size, double lambda, double temperature) {
  const double expected = discretised_variance(step_size, lambda, temperature);
  const auto energy = normal_energy(line("x"), lambda, Precision::kFloat32);
  Walkers walkers(energy, method, normals(expected, 1), 2, temperature);
  walkers.move(50);
  double sum = 0;
  for (const double x : walkers.positions()) sum += x * x;
  return (sum / static_cast<double>(kChains) / expected - 1) / std::sqrt(2.0 / static_cast<double>(kChains));
}

std::unique_ptr<Method> langevin(double step_size) {
  return named("langevin", {{"step_size", fmt::format("{}", step_size)}});
}

std::unique_ptr<Method> louder(double step_size, double factor) {
  return std::make_unique<Twin>(
      [=](Group& group, const Kernels& kernels, uint32_t step) {
        kernels.langevin(group, step, step_size, factor * std::sqrt(2 * step_size * group.temperature));
        group.evaluate();
      },
      false);
}

struct Case {
  double step_size, lambda;
};
constexpr Case kCases[] = {{0.5, 0.1}, {0.5, 0.5}, {0.5, 1},  {0.5, 3},  {0.1, 0.25},
                           {0.1, 1},   {0.1, 10},  {0.02, 1}, {0.02, 5}, {0.02, 10}};

TEST(UlaTest, KeepsTheLawOfItsDiscretisation) {
  EXPECT_NEAR(discretised_variance(0.5, 1, 1), 1.333333, 1e-6);
  EXPECT_NEAR(discretised_variance(0.1, 1, 1), 1.052632, 1e-6);
  EXPECT_NEAR(discretised_variance(0.02, 1, 1), 1.010101, 1e-6);
  for (const Case& c : kCases) {
    EXPECT_LT(std::fabs(z_of_variance(*langevin(c.step_size), c.step_size, c.lambda, 1)), kPass)
        << c.step_size << ' ' << c.lambda;
  }
}

TEST(UlaTest, TheCheckRejectsNoiseThatIsOnePercentLouder) {
  // 1.01^2 - 1 = 2.01 % of the variance, 14.6 standard errors, on targets that have mixed within 50 steps.
  for (const Case& c : {Case{0.5, 1}, Case{0.1, 1}, Case{0.02, 5}}) {
    EXPECT_GT(z_of_variance(*louder(c.step_size, 1.01), c.step_size, c.lambda, 1), kReject);
  }
}

TEST(UlaTest, HasTheLagOneCorrelationOfItsDiscretisation) {
  for (const Case& c : kCases) {
    const double variance = discretised_variance(c.step_size, c.lambda, 1), rho = 1 - c.step_size * c.lambda;
    const auto energy = normal_energy(line("x"), c.lambda, Precision::kFloat32);
    const auto method = langevin(c.step_size);
    Walkers walkers(energy, *method, normals(variance, 3), 4);
    const std::vector<double> before = walkers.positions();
    walkers.move(1);
    const std::vector<double> after = walkers.positions();
    std::vector<double> products(kChains);
    for (int64_t i = 0; i < kChains; ++i) products[i] = before[i] * after[i] / variance;
    EXPECT_LT(std::fabs(z_mean(products, rho)), kPass) << c.step_size << ' ' << c.lambda;
  }
}

TEST(UlaTest, ScalesItsVarianceWithTheTemperature) {
  // lambda = 1, eps = .05: variance / T = 1 / .975 = 1.025641. The twin forgets T in the noise.
  for (const double temperature : {0.1, 1.0, 4.0}) {
    EXPECT_LT(std::fabs(z_of_variance(*langevin(0.05), 0.05, 1, temperature)), kPass) << temperature;
  }
  EXPECT_NEAR(discretised_variance(0.05, 1, 1), 1.025641, 1e-6);
  const Twin twin(
      [](Group& group, const Kernels& kernels, uint32_t step) {
        kernels.langevin(group, step, 0.05, std::sqrt(0.05));
        group.evaluate();
      },
      false);
  for (const double temperature : {0.1, 1.0, 4.0}) {
    EXPECT_GT(std::fabs(z_of_variance(twin, 0.05, 1, temperature)), kReject) << temperature;
  }
}

}  // namespace
}  // namespace potluck::testing
