// SPDX-License-Identifier: Apache-2.0
// Whole runs take their draws' temperature: right ones are not accused, at large steps neither; wrong ones are named.
#include "core/sampling/run/virial_watch.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cmath>

#include "tests/core/energies.h"

namespace potluck {
namespace {

using testing::line;
using testing::normal_energy;
using testing::RowEnergy;

RunSummary sample(const Energy& energy, const std::string& method_name, const std::string& step_size,
                  double temperature) {
  RunOptions options;
  options.method = method_name;
  options.values = option_values(method_name, {{"step_size", step_size}});
  options.chains = 512;
  options.warmup = 200;
  options.steps = 200;
  options.thin = 5;
  options.threads = 2;
  const std::atomic<bool> go_on{false};
  return run({&energy, {{}}, temperature}, *default_start(energy.variables()), options, {}, go_on);
}

TEST(VirialWatchTest, ARightRunHasItsTemperature) {
  const auto energy = normal_energy(line("x", 8), 2);
  for (const double temperature : {0.5, 1.0, 3.0}) {
    for (const auto& [name, step_size] : {std::pair{"mala", "auto"}, {"hmc", "auto"}, {"langevin", "0.4"}}) {
      const RunSummary summary = sample(energy, name, step_size, temperature);
      ASSERT_EQ(summary.virial.size(), 1u);
      EXPECT_EQ(summary.virial[0].variable, "x");
      EXPECT_LT(std::fabs(summary.virial[0].estimate.z(temperature)), kVirialBound) << name << ' ' << temperature;
    }
  }
}

// The gradient is that of 1.1 E: MALA's decisions do not see it all, and the virial is that of another temperature.
TEST(VirialWatchTest, AGradientThatDoesNotBelongToItsEnergyIsNamed) {
  const RowEnergy energy(line("x", 8), [](const double* x, double* g) {
    double sum = 0;
    for (int j = 0; j < 8; ++j) {
      g[j] = 1.1 * x[j];
      sum += 0.5 * x[j] * x[j];
    }
    return sum;
  });
  const RunSummary summary = sample(energy, "mala", "auto", 1);
  EXPECT_GT(std::fabs(summary.virial.at(0).estimate.z(1)), 8);
  EXPECT_NE(virial_verdict(summary.virial[0].estimate, 1), "");
}

TEST(VirialWatchTest, VariablesWithFacesAndBiasedMethodsAreNotWatched) {
  EXPECT_TRUE(sample(normal_energy(line("x", 2, 0, INFINITY), 1), "mala", "auto", 1).virial.empty());
  EXPECT_TRUE(sample(normal_energy(line("x", 2), 1), "baoab", "0.5", 1).virial.empty());
}

}  // namespace
}  // namespace potluck
