// SPDX-License-Identifier: Apache-2.0
// Proposals that are not numbers: those that an overflow made so have diverged, the others have no number.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "tests/core/host_energy.h"
#include "tests/core/sampling/sampled.h"

namespace potluck {
namespace {

using testing::line;
using testing::RowEnergy;
using testing::Sampled;
using testing::sampled;

RunOptions fixed(const std::string& method, const OptionWords& words) {
  RunOptions options;
  options.method = method;
  options.values = option_values(method, words);
  options.chains = 200;
  options.warmup = 0;
  options.steps = 50;
  options.thin = 50;
  return options;
}

// Leapfrogs of two time units on x^4 take x to about -8 x^3 each: after six of them it is infinite in float32, after
// two more a difference of infinities.
TEST(OverflowTest, ATrajectoryThatEndsAsADifferenceOfInfinitiesHasDiverged) {
  const auto quartic = [](const double* x, double* g) {
    g[0] = 4 * x[0] * x[0] * x[0];
    return x[0] * x[0] * x[0] * x[0];
  };
  for (const Precision precision : {Precision::kFloat32, Precision::kFloat64}) {
    const RowEnergy energy(line("x"), quartic, precision);
    for (const auto& [method, words] :
         std::vector<std::pair<std::string, OptionWords>>{{"hmc", {{"step_size", "2"}, {"trajectory_length", "60"}}},
                                                          {"ghmc", {{"step_size", "2"}, {"leapfrogs", "20"}}}}) {
      const Sampled result = sampled(energy, fixed(method, words));
      EXPECT_GT(result.summary.sums.divergences, 5000) << method;  // of 200 * 50
      EXPECT_EQ(result.summary.sums.nan_proposals, 0) << method;
    }
  }
}

// The twin: the same trajectories where x is small, and an energy that has no number beyond 2.5.
TEST(OverflowTest, ATrajectoryThatMeetsAnEnergyWithoutANumberHasNotDiverged) {
  const RowEnergy energy(line("x"), [](const double* x, double* g) {
    g[0] = x[0] > 2.5 ? NAN : x[0];
    return x[0] > 2.5 ? NAN : 0.5 * x[0] * x[0];
  });
  for (const auto& [method, words] :
       std::vector<std::pair<std::string, OptionWords>>{{"hmc", {{"step_size", "0.1"}, {"trajectory_length", "2"}}},
                                                        {"ghmc", {{"step_size", "0.1"}, {"leapfrogs", "20"}}}}) {
    const Sampled result = sampled(energy, fixed(method, words));
    EXPECT_GT(result.summary.sums.nan_proposals, 0) << method;
    EXPECT_EQ(result.summary.sums.divergences, 0) << method;
  }
}

// A plateau from -4 to -3 that trajectories pass on their way. What one of them left behind must not be found by the
// next: with a plateau of 900 temperatures, which is no divergence, the same proposals have no number.
TEST(OverflowTest, WhatATrajectoryPassedIsForgottenWithItsDecision) {
  const auto counts = [](double height) {
    const RowEnergy energy(line("x"), [height](const double* x, double* g) {
      g[0] = x[0] > 2.5 ? NAN : x[0] < -3 ? 0 : x[0];
      return x[0] > 2.5 ? NAN : x[0] < -3 && x[0] > -4 ? height : 0.5 * x[0] * x[0];
    });
    RunOptions options = fixed("hmc", {{"step_size", "0.1"}, {"trajectory_length", "0.5"}});
    options.steps = options.thin = 1000;
    return sampled(energy, options).summary;
  };
  const RunSummary high = counts(1e5), low = counts(900);
  EXPECT_GT(high.sums.divergences, 0);
  EXPECT_EQ(low.sums.divergences, 0);
  EXPECT_GT(low.sums.nan_proposals, 100);
  EXPECT_EQ(high.sums.nan_proposals, low.sums.nan_proposals);
}

/// x^2/2, where x > 1 plus the energies of two experts.
class Pair final : public testing::HostEnergy {
 public:
  Pair(double up, double down) : HostEnergy({line("x")}, {"up", "down"}), up_(up), down_(down) {}
  void evaluate(const EnergyCall& call) const override {
    for (int64_t row = 0; row < call.rows; ++row) {
      const double x = static_cast<const double*>(call.position[0])[row], normal = 0.5 * x * x;
      const double up = x > 1 ? up_ : normal, down = x > 1 ? down_ : 0;
      call.energy[row] = up + down;
      if (call.expert_energy) {
        call.expert_energy[row] = up;
        call.expert_energy[call.rows + row] = down;
      }
      if (call.gradient && call.gradient[0]) static_cast<double*>(call.gradient[0])[row] = x;
    }
  }

 private:
  double up_, down_;
};

TEST(OverflowTest, AnExpertAtInfinityThatAnotherTakesAwayHasDiverged) {
  const RunOptions options = fixed("mala", {{"step_size", "0.5"}});
  const auto start = given_start({{0.0}}, 1, {line("x")}, "zero");
  const auto summary = [&](double up, double down) {
    const Pair energy(up, down);
    return run({&energy, {{}}, 1}, *start, options, {}, std::atomic<bool>{false});
  };
  const RunSummary overflowed = summary(INFINITY, -INFINITY), failed = summary(NAN, 0), minus = summary(0, -INFINITY);
  EXPECT_GT(overflowed.sums.divergences, 0);
  EXPECT_EQ(overflowed.sums.nan_proposals, 0);
  for (const RunSummary& one : {failed, minus}) {
    EXPECT_EQ(one.sums.divergences, 0);
    EXPECT_GT(one.sums.nan_proposals, 0);
  }
}

}  // namespace
}  // namespace potluck
