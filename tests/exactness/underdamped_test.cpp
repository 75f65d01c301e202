// SPDX-License-Identifier: Apache-2.0
// The laws that the splittings of underdamped Langevin dynamics have instead of exp(-E/T).
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "tests/core/energies.h"
#include "tests/exactness/harness.h"
#include "tests/exactness/targets.h"

namespace potluck::testing {
namespace {

constexpr int64_t kChains = 1 << 20;

std::unique_ptr<Method> splitting(const std::string& name, double h) {
  return named(name, {{"step_size", fmt::format("{:.17g}", h)}});
}

struct Variances {
  double position, velocity;
};

/// On lambda x^2 / 2 at T = 1, gamma = 1 (Leimkuhler & Matthews 2013): positions and velocities are independent.
Variances law(const std::string& name, double h, double lambda) {
  const double q = h * h * lambda / 4;
  if (name == "baoab") return {1 / lambda, 1 - q};
  return {1 / lambda / (1 - q), 1};  // obabo
}

/// The largest |z| of the variances of positions and velocities after 50 steps from the joint law of `as`.
double worst_z(const std::string& name, const std::string& as, double h, double lambda) {
  const Variances expected = law(as, h, lambda);
  std::mt19937_64 source(3);
  std::normal_distribution<> z;
  std::vector<double> x(kChains), v(kChains);
  for (int64_t i = 0; i < kChains; ++i) {
    x[i] = std::sqrt(expected.position) * z(source);
    v[i] = std::sqrt(expected.velocity) * z(source);
  }
  const auto energy = normal_energy(line("x"), lambda);
  const auto method = splitting(name, h);
  Walkers walkers(energy, *method, x, 4);
  walkers.set_velocities(v);
  walkers.move(50);
  const auto z_of = [](const std::vector<double>& values, double variance) {
    double sum = 0;
    for (const double one : values) sum += one * one;
    return std::fabs(sum / static_cast<double>(kChains) / variance - 1) / std::sqrt(2.0 / static_cast<double>(kChains));
  };
  return std::max(z_of(walkers.positions(), expected.position), z_of(walkers.velocities(), expected.velocity));
}

TEST(UnderdampedTest, KeepsTheLawOfItsDiscretisation) {
  for (const double lambda : {1.0, 10.0}) {
    EXPECT_LT(worst_z("baoab", "baoab", 0.5, lambda), kPass) << lambda;
    EXPECT_LT(worst_z("obabo", "obabo", 0.5, lambda), kPass) << lambda;
    EXPECT_GT(worst_z("baoab", "obabo", 0.5, lambda), kReject) << lambda;
    EXPECT_GT(worst_z("obabo", "baoab", 0.5, lambda), kReject) << lambda;
  }
}

// x ~ N(0, T/lambda) and the carried normal z0 with Cov(x, z0) = sqrt(eps T / 2); v = sqrt(T) z0 - h/2 lambda x.
double leimkuhler_matthews_z(const std::string& name, double lambda, double eps) {
  std::mt19937_64 source(5);
  std::normal_distribution<> normal;
  std::vector<double> x(kChains), v(kChains);
  const double h = std::sqrt(2 * eps), covariance = std::sqrt(eps / 2);
  for (int64_t i = 0; i < kChains; ++i) {
    x[i] = normal(source) / std::sqrt(lambda);
    const double z0 = covariance * lambda * x[i] + std::sqrt(1 - covariance * covariance * lambda) * normal(source);
    v[i] = z0 - h / 2 * lambda * x[i];
  }
  const auto energy = normal_energy(line("x"), lambda);
  const auto method =
      name == "langevin" ? named(name, {{"step_size", fmt::format("{:.17g}", eps)}}) : splitting(name, h);
  Walkers walkers(energy, *method, x, 6);
  if (name != "langevin") walkers.set_velocities(v);
  walkers.move(50);
  double sum = 0;
  for (const double one : walkers.positions()) sum += one * one;
  return std::fabs(sum * lambda / static_cast<double>(kChains) - 1) / std::sqrt(2.0 / static_cast<double>(kChains));
}

TEST(UnderdampedTest, LeimkuhlerMatthewsKeepsANormalLaw) {
  EXPECT_LT(leimkuhler_matthews_z("leimkuhler_matthews", 1, 0.1), kPass);
  EXPECT_LT(leimkuhler_matthews_z("leimkuhler_matthews", 10, 0.05), kPass);
  EXPECT_GT(leimkuhler_matthews_z("langevin", 1, 0.1), kReject);  // ULA under its name
}

// The order of bias on E = x^2/2 + sin(2x)/2, where E[x^2] = 1.0003221 and E[x] = -.1312777.
double second_moment_z(const std::string& name, double h, double expected) {
  const RowEnergy energy(line("x"), [](const double* x, double* g) {
    g[0] = x[0] + std::cos(2 * x[0]);
    return x[0] * x[0] / 2 + std::sin(2 * x[0]) / 2;
  });
  static const TabulatedLaw law([](double x) { return std::exp(-x * x / 2 - std::sin(2 * x) / 2); }, -9, 9);
  EXPECT_NEAR(law.variance() + law.mean() * law.mean(), 1.0003221, 1e-6);
  EXPECT_NEAR(law.mean(), -0.1312777, 1e-6);
  static const std::vector<double> start = [] {
    std::mt19937_64 source(7);
    std::vector<double> x(kChains);
    for (double& one : x) one = law.quantile(std::uniform_real_distribution<>()(source));
    return x;
  }();
  const auto method =
      name == "langevin" ? named(name, {{"step_size", fmt::format("{:.17g}", h * h / 2)}}) : splitting(name, h);
  Walkers walkers(energy, *method, start, 8);
  // The law of the discretisation is reached within a time of 12 relaxation times: of velocities 1/gamma, of
  // overdamped positions about 1 in units of eps.
  const double time = name == "langevin" || name == "leimkuhler_matthews" ? h * h / 2 : h;
  walkers.move(static_cast<int64_t>(std::ceil(12 / time)));
  std::vector<double> x2 = walkers.positions();
  for (double& one : x2) one *= one;
  return std::fabs(z_mean(x2, expected));
}

TEST(UnderdampedTest, HasTheBiasOfItsOrder) {
  EXPECT_LT(second_moment_z("baoab", 0.5, 0.9933835), kPass);
  EXPECT_LT(second_moment_z("baoab", 0.25, 0.9986569), kPass);
  EXPECT_LT(second_moment_z("obabo", 0.5, 1.0856804), kPass);
  EXPECT_LT(second_moment_z("obabo", 0.25, 1.0196577), kPass);
  EXPECT_LT(second_moment_z("langevin", 0.5, 1.0739374), kPass);
  EXPECT_LT(second_moment_z("leimkuhler_matthews", 0.5, 0.9985375), kPass);
  EXPECT_GT(second_moment_z("obabo", 0.5, 0.9933835), kReject);  // the names swapped
  EXPECT_GT(second_moment_z("baoab", 0.5, 1.0856804), kReject);
  EXPECT_GT(second_moment_z("leimkuhler_matthews", 0.5, 1.0739374), kReject);
}

}  // namespace
}  // namespace potluck::testing
