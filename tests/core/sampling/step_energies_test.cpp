// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "core/sampling/run/run.h"
#include "tests/core/energies.h"
#include "tests/core/host_energy.h"

namespace potluck {
namespace {

using testing::line;

/// E = |x|^2/2 of two numbers, made of the experts 1e5 + x_0^2/2, whose constant must cost no digits, and x_1^2/2.
class TwoExperts final : public testing::HostEnergy {
 public:
  TwoExperts() : HostEnergy({line("x", 2)}, {"first", "second"}) {}

  void evaluate(const EnergyCall& call) const override {
    const double* x = static_cast<const double*>(call.position[0]);
    for (int64_t row = 0; row < call.rows; ++row) {
      const double first = 1e5 + x[2 * row] * x[2 * row] / 2, second = x[2 * row + 1] * x[2 * row + 1] / 2;
      call.energy[row] = first + second;
      if (call.expert_energy) {
        call.expert_energy[row] = first;
        call.expert_energy[call.rows + row] = second;
      }
      if (!call.gradient || !call.gradient[0]) continue;
      for (int j = 0; j < 2; ++j) static_cast<double*>(call.gradient[0])[2 * row + j] = x[2 * row + j];
    }
  }
};

/// The energies of every draw, one after another.
class Watcher final : public Observer {
 public:
  void drew(const Draw& draw) override {
    for (int64_t chain = 0; chain < draw.chains; ++chain) {
      const double experts[] = {draw.expert_energy[chain], draw.expert_energy[draw.chains + chain]};
      shares.add(draw.energy[chain], experts);
    }
  }
  EnergyShares shares{2};
};

struct Watched {
  EnergyShares of_steps{0}, of_draws{0};
};

Watched watched(const std::string& method, const std::string& step_size, int64_t chains, int64_t warmup, int64_t steps,
                int64_t thin) {
  const TwoExperts energy;
  Target target;
  target.energy = &energy;
  RunOptions options;
  options.method = method;
  options.values = option_values(method, {{"step_size", step_size}});
  options.chains = chains;
  options.warmup = warmup;
  options.steps = steps;
  options.thin = thin;
  options.threads = 2;
  Watcher watcher;
  Observer* const observers[] = {&watcher};
  const std::atomic<bool> go_on{false};
  const RunSummary summary = run(target, *normal_start(energy.variables()), options, observers, go_on);
  return {summary.energy_shares, watcher.shares};
}

/// The largest difference of second moments, as a share of the variance of E.
double apart(const EnergyShares& a, const EnergyShares& b) {
  const EnergyMoments &m = a.moments(), &n = b.moments();
  double most = std::fabs(m.squares / m.count - n.squares / n.count);
  for (size_t e = 0; e < 2; ++e) {
    most = std::fmax(most, std::fabs(m.expert_squares[e] / m.count - n.expert_squares[e] / n.count));
    most = std::fmax(most, std::fabs(m.products[e] / m.count - n.products[e] / n.count));
  }
  return most / (n.squares / n.count);
}

// The same seed draws the same steps: those that are summed between draws are those that a run records which draws at
// every step. The twin is what the draws alone say.
TEST(StepEnergiesTest, AreThoseOfARunThatDrawsAtEveryStep) {
  for (const char* method : {"mala", "hmc", "ghmc", "langevin", "mclmc", "adjusted_mclmc"}) {
    const Watched often = watched(method, "0.3", 300, 30, 28, 1), seldom = watched(method, "0.3", 300, 30, 28, 7);
    EXPECT_EQ(often.of_draws.moments().count, 300 * 28) << method;
    EXPECT_EQ(seldom.of_steps.moments().count, 300 * 28) << method;
    EXPECT_LT(apart(seldom.of_steps, often.of_draws), 1e-9) << method;
    EXPECT_LT(apart(often.of_steps, often.of_draws), 1e-9) << method;
    EXPECT_GT(apart(seldom.of_draws, often.of_draws), 1e-4) << method;
  }
}

// Of the variance of two independent chi squares over 2 each explains half. A squared correlation r^2 has a standard
// error of 2 r (1 - r^2) / sqrt(states), .707 / sqrt(states) here, and 4096 chains are at least 4096 states.
TEST(StepEnergiesTest, ShareTheVarianceOfIndependentExperts) {
  const Watched found = watched("mala", "auto", 4096, 200, 5, 5);
  const double bound = 6 * 0.707 / std::sqrt(4096.0);
  for (const int expert : {0, 1}) {
    EXPECT_NEAR(found.of_steps.share(expert), 0.5, bound);
    EXPECT_GT(std::fabs(std::sqrt(found.of_steps.share(expert)) - 0.5), bound);  // the twin: the correlation itself
  }
}

TEST(StepEnergiesTest, OfOneExpertAreNotCounted) {
  const auto energy = testing::normal_energy(line("x", 2), 1);
  Target target;
  target.energy = &energy;
  RunOptions options;
  options.method = "mala";
  options.values = option_values("mala", {{"step_size", "0.3"}});
  options.chains = 8;
  options.warmup = 0;
  options.steps = options.thin = 5;
  const std::atomic<bool> go_on{false};
  EXPECT_EQ(run(target, *normal_start(energy.variables()), options, {}, go_on).energy_shares.moments().count, 0);
}

}  // namespace
}  // namespace potluck
