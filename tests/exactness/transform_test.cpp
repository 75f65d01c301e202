// SPDX-License-Identifier: Apache-2.0
// Variables with walls in log and logit coordinates: MALA in u keeps the law of x. n = 10^6 exact starts, 20 moves. The
// twins are TransformedEnergy with another temperature in front of the Jacobian than the sampler's: 0, so that there is
// none, and 1 at T = 2.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <thread>

#include "core/energy/transformed_energy.h"
#include "tests/core/energies.h"
#include "tests/exactness/harness.h"
#include "tests/exactness/targets.h"

namespace potluck::testing {
namespace {

constexpr int64_t kChains = 1000000;
constexpr int kMoves = 20;

/// A law on a support with walls, and the maps between x and u written once more.
struct WalledTarget {
  std::string name;
  std::unique_ptr<Energy> energy;
  std::function<std::vector<double>(double temperature)> draw;
  std::function<double(double temperature, double x)> cdf;
  std::function<double(double temperature)> mean, variance;
  std::function<double(double x)> to_u;
  std::function<double(double u)> to_x;
  double step_size;
};

Variable walled(double least, double most) {
  Variable variable = line("x", 1, least, most);
  variable.walls = Walls::kTransform;
  return variable;
}

template <class Row>
std::unique_ptr<Energy> row_energy(Variable variable, Row row) {
  return std::make_unique<RowEnergy<Row>>(std::move(variable), row);
}

// y = |x - wall| with E = y - 2 log y: at T it is Gamma(2/T + 1) with scale T, Gamma(3) at 1 and 2 Gamma(2) at 2.
std::vector<double> gamma_draws(double temperature) {
  std::mt19937_64 source(30);
  std::gamma_distribution<> gamma(2 / temperature + 1, temperature);
  std::vector<double> y(kChains);
  for (double& one : y) one = gamma(source);
  return y;
}

double gamma_cdf(double temperature, double y) {
  const double s = y / temperature;
  return 1 - std::exp(-s) * (temperature == 1 ? 1 + s + s * s / 2 : 1 + s);
}

WalledTarget above(double wall) {
  WalledTarget t;
  t.name = fmt::format("[{}, inf)", wall);
  t.energy = row_energy(walled(wall, INFINITY), [wall](const double* x, double* g) {
    const double y = x[0] - wall;
    g[0] = 1 - 2 / y;
    return y - 2 * std::log(y);
  });
  t.draw = [wall](double temperature) {
    std::vector<double> x = gamma_draws(temperature);
    for (double& one : x) one += wall;
    return x;
  };
  t.cdf = [wall](double temperature, double x) { return gamma_cdf(temperature, x - wall); };
  t.mean = [wall](double temperature) { return wall + 2 + temperature; };  // (2/T + 1) T
  t.variance = [](double temperature) { return (2 + temperature) * temperature; };
  t.to_u = [wall](double x) { return std::log(x - wall); };
  t.to_x = [wall](double u) { return wall + std::exp(u); };
  t.step_size = 0.25;
  return t;
}

WalledTarget below(double wall) {
  WalledTarget t;
  t.name = fmt::format("(-inf, {}]", wall);
  t.energy = row_energy(walled(-INFINITY, wall), [wall](const double* x, double* g) {
    const double y = wall - x[0];
    g[0] = 2 / y - 1;
    return y - 2 * std::log(y);
  });
  t.draw = [wall](double temperature) {
    std::vector<double> x = gamma_draws(temperature);
    for (double& one : x) one = wall - one;
    return x;
  };
  t.cdf = [wall](double temperature, double x) { return 1 - gamma_cdf(temperature, wall - x); };
  t.mean = [wall](double temperature) { return wall - 2 - temperature; };
  t.variance = [](double temperature) { return (2 + temperature) * temperature; };
  t.to_u = [wall](double x) { return std::log(wall - x); };
  t.to_x = [wall](double u) { return wall - std::exp(u); };
  t.step_size = 0.25;
  return t;
}

// N(.3, .2^2) on [0, 1], at T with variance T .2^2.
const TabulatedLaw& confined(double temperature) {
  const auto law = [](double t) {
    return TabulatedLaw([t](double x) { return std::exp(-(x - 0.3) * (x - 0.3) / (0.08 * t)); }, 0, 1);
  };
  static const TabulatedLaw one = law(1), two = law(2);
  return temperature == 1 ? one : two;
}

WalledTarget box() {
  WalledTarget t;
  t.name = "[0, 1]";
  t.energy = row_energy(walled(0, 1), [](const double* x, double* g) {
    g[0] = (x[0] - 0.3) / 0.04;
    return (x[0] - 0.3) * (x[0] - 0.3) / 0.08;
  });
  t.draw = [](double temperature) {
    std::mt19937_64 source(31);
    std::normal_distribution<> z(0.3, 0.2 * std::sqrt(temperature));
    std::vector<double> x(kChains);
    for (double& one : x) {
      do one = z(source);
      while (one <= 0 || one >= 1);
    }
    return x;
  };
  t.cdf = [](double temperature, double x) { return confined(temperature).cdf(x); };
  t.mean = [](double temperature) { return confined(temperature).mean(); };
  t.variance = [](double temperature) { return confined(temperature).variance(); };
  t.to_u = [](double x) { return std::log(x / (1 - x)); };
  t.to_x = [](double u) { return 1 / (1 + std::exp(-u)); };
  t.step_size = 0.3;
  return t;
}

struct Distance {
  double d = 0, z_mean = 0, z_variance = 0, moved = 0;
};

/// @param jacobian  the temperature that the Jacobian is multiplied with
Distance distance_after(const WalledTarget& target, double temperature, double jacobian) {
  const int threads = static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
  const TransformedEnergy free(*target.energy, {{}}, jacobian, threads);
  std::vector<double> start = target.draw(temperature);
  for (double& one : start) one = target.to_u(one);
  const auto mala = named("mala", {{"step_size", fmt::format("{}", target.step_size)}});
  Walkers walkers(free, *mala, start, 3, temperature);
  walkers.move(kMoves);
  std::vector<double> x = walkers.positions();
  Distance distance;
  for (size_t chain = 0; chain < x.size(); ++chain) distance.moved += x[chain] != start[chain];
  distance.moved /= static_cast<double>(kChains);
  for (double& one : x) one = target.to_x(one);
  distance.d = kolmogorov(x, [&](double v) { return target.cdf(temperature, v); });
  distance.z_mean = std::fabs(z_mean(x, target.mean(temperature)));
  distance.z_variance = std::fabs(z_variance(x, target.variance(temperature)));
  return distance;
}

class TransformExactnessTest : public ::testing::TestWithParam<int> {
 protected:
  static WalledTarget target() { return GetParam() == 0 ? above(0) : GetParam() == 1 ? below(1.5) : box(); }
};

TEST_P(TransformExactnessTest, KeepsAnExactStartAtAnyTemperature) {
  const WalledTarget t = target();
  for (const double temperature : {1.0, 2.0}) {
    const Distance distance = distance_after(t, temperature, temperature);
    EXPECT_LT(distance.d, kPassD) << t.name << " at T = " << temperature;
    EXPECT_LT(distance.z_mean, kPass) << t.name << " at T = " << temperature;
    EXPECT_LT(distance.z_variance, kPass) << t.name << " at T = " << temperature;
    EXPECT_GT(distance.moved, 0.99) << t.name << " at T = " << temperature;
  }
}

TEST_P(TransformExactnessTest, TheCheckRejectsADroppedJacobian) {
  const WalledTarget t = target();
  for (const double temperature : {1.0, 2.0}) {
    const Distance distance = distance_after(t, temperature, 0);
    EXPECT_GT(distance.d, kRejectD) << t.name << " at T = " << temperature;
    EXPECT_GT(distance.z_mean, kReject) << t.name << " at T = " << temperature;
  }
}

TEST_P(TransformExactnessTest, TheCheckRejectsAJacobianWithoutTheTemperature) {
  const WalledTarget t = target();
  const Distance distance = distance_after(t, 2, 1);
  EXPECT_GT(distance.d, kRejectD) << t.name;
  EXPECT_GT(distance.z_mean, kReject) << t.name;
}

INSTANTIATE_TEST_SUITE_P(Supports, TransformExactnessTest, ::testing::Range(0, 3));

TEST(TransformTest, TheConfinedNormalHasTheMomentsOfTheTable) {
  EXPECT_NEAR(confined(1).mean(), 0.3275778, 1e-7);
  EXPECT_NEAR(confined(1).variance(), 0.0307790, 1e-7);
}

}  // namespace
}  // namespace potluck::testing
