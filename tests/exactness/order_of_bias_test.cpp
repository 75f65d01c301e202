// SPDX-License-Identifier: Apache-2.0
// The order of the bias in the step size, from E[x^2] on E = x^2/2 + sin(2x)/2 at two step sizes. It takes 3 10^9
// chain-steps a step size, so it belongs to the thorough tier and does nothing elsewhere.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "tests/core/energies.h"
#include "tests/exactness/effort.h"
#include "tests/exactness/harness.h"
#include "tests/exactness/targets.h"

namespace potluck::testing {
namespace {

constexpr int64_t kChains = 1 << 20;
constexpr double kExact = 1.0003221;

struct Bias {
  double value, standard_error;
};

/// @param steps of each chain, read every 5: a time after which x^2 is nearly a draw of its own
Bias bias(const std::string& name, double h, int steps) {
  const RowEnergy energy(line("x"), [](const double* x, double* g) {
    g[0] = x[0] + std::cos(2 * x[0]);
    return x[0] * x[0] / 2 + std::sin(2 * x[0]) / 2;
  });
  std::mt19937_64 source(rotated(1));
  std::normal_distribution<> normal;
  std::vector<double> start(kChains), sum(kChains);
  for (double& one : start) one = normal(source);
  const auto method = named(name, {{"step_size", fmt::format("{:.17g}", name == "langevin" ? h * h / 2 : h)}});
  Walkers walkers(energy, *method, start, rotated(2));
  walkers.move(static_cast<int64_t>(std::ceil(20 / (name == "langevin" ? h * h / 2 : h))));
  constexpr int kApart = 5;
  const int readings = steps / kApart;
  for (int reading = 0; reading < readings; ++reading) {
    walkers.move(kApart);
    const std::vector<double> x = walkers.positions();
    for (int64_t chain = 0; chain < kChains; ++chain) sum[chain] += x[chain] * x[chain] / readings;
  }
  double mean = 0, squares = 0;
  for (const double one : sum) mean += one / kChains;
  for (const double one : sum) squares += (one - mean) * (one - mean) / kChains;
  return {mean - kExact, std::sqrt(squares / kChains)};
}

/// log2 of the ratio of the biases at h = .5 and .25, and its standard error.
Bias slope(const std::string& name, int steps) {
  const Bias wide = bias(name, 0.5, steps), narrow = bias(name, 0.25, steps);
  const double relative = std::hypot(wide.standard_error / wide.value, narrow.standard_error / narrow.value);
  return {std::log2(wide.value / narrow.value), relative / std::log(2.0)};
}

TEST(OrderOfBiasTest, IsTwoInTheTimeStepAndOneInEpsilon) {
  if (effort() == 1) GTEST_SKIP() << "3 10^9 chain-steps a step size: ctest -L thorough";
  // From the exact laws of the discretisations: 2.06, 2.14, and 1.09 in eps = h^2/2.
  // The bias of baoab is a tenth of the others', and takes more steps to see.
  struct Row {
    const char* name;
    double expected;
    int steps;
  };
  for (const auto& [name, expected, steps] :
       {Row{"baoab", 2.06, 6500}, Row{"obabo", 2.14, 3000}, Row{"langevin", 2 * 1.09, 3000}}) {
    const Bias found = slope(name, steps);
    RecordProperty(std::string("row ") + name,
                   fmt::format("slope {:.3f} ± {:.3f}, expected {:.2f}", found.value, found.standard_error, expected));
    EXPECT_NEAR(found.value, expected, 6 * found.standard_error + 0.01) << name;
    EXPECT_LT(found.standard_error, 0.05) << name;
  }
}

}  // namespace
}  // namespace potluck::testing
