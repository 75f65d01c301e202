// SPDX-License-Identifier: Apache-2.0
// One of 10^4 chains fails at step 37; the others' bits do not change, and the report names chain, step and expert.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <optional>

#include "core/error.h"
#include "tests/core/energies.h"
#include "tests/exactness/harness.h"

namespace potluck::testing {
namespace {

constexpr int64_t kChains = 10000;
constexpr int64_t kFailing = 4321;
constexpr int64_t kStep = 37;  // moves 0 ... 36 are sound
constexpr int64_t kSteps = 60;

const std::atomic<bool> kGoOn{false};

/// N(0, 1), but at exactly one position the energy is something else.
auto poisoned(std::optional<double> position, double energy) {
  return RowEnergy(line("x"), [position, energy](const double* x, double* g) {
    g[0] = x[0];
    return position && x[0] == *position ? energy : 0.5 * x[0] * x[0];
  });
}

struct Outcome {
  RunSummary summary;
  std::vector<std::vector<double>> positions;  ///< after every step
};

Outcome sample(const Energy& energy, const std::string& method, const std::string& step_size, int64_t steps) {
  RunOptions options;
  options.method = method;
  options.values = option_values(method, {{"step_size", step_size}});
  options.chains = kChains;
  options.warmup = 0;
  options.steps = steps;
  options.seed = 11;
  options.threads = 2;
  Keeper keeper(1, Precision::kFloat64);
  Observer* observers[] = {&keeper};
  Outcome outcome;
  outcome.summary = run({&energy, {{}}, 1}, *default_start(energy.variables()), options, observers, kGoOn);
  outcome.positions = std::move(keeper.positions);
  return outcome;
}

void expect_others_unchanged(const Outcome& sound, const Outcome& failed, int64_t chain) {
  for (size_t step = 0; step < sound.positions.size(); ++step) {
    for (int64_t c = 0; c < kChains; ++c) {
      if (c != chain) {
        ASSERT_EQ(sound.positions[step][c], failed.positions[step][c]) << step << ' ' << c;
      }
    }
  }
}

TEST(FailureTest, AnUnadjustedChainFreezesWhereItsStateFails) {
  const Outcome sound = sample(poisoned({}, 0), "langevin", "0.1", kSteps);
  const double position = sound.positions[kStep][kFailing];
  for (const double energy : {double{NAN}, double{-INFINITY}, double{INFINITY}}) {
    const Outcome failed = sample(poisoned(position, energy), "langevin", "0.1", kSteps);
    expect_others_unchanged(sound, failed, kFailing);
    ASSERT_EQ(failed.summary.frozen_count, 1);
    EXPECT_EQ(failed.summary.frozen[0].chain, kFailing);
    EXPECT_EQ(failed.summary.frozen[0].step, kStep);
    ASSERT_EQ(failed.summary.frozen[0].expert_energy.size(), 1u);
    EXPECT_FALSE(std::isfinite(failed.summary.frozen[0].expert_energy[0]));
    for (int64_t step = kStep; step < kSteps; ++step) EXPECT_EQ(failed.positions[step][kFailing], position);
  }
}

TEST(FailureTest, AnAdjustedChainRejectsAProposalThatFailsAndCountsOnlyNaN) {
  const Outcome sound = sample(poisoned({}, 0), "mala", "0.5", kSteps);
  // A chain that accepts in step 37, so that its proposal is known.
  int64_t chain = kFailing;
  while (sound.positions[kStep][chain] == sound.positions[kStep - 1][chain]) ++chain;
  const double proposal = sound.positions[kStep][chain];
  for (const double energy : {double{NAN}, double{-INFINITY}, double{INFINITY}}) {
    const Outcome failed = sample(poisoned(proposal, energy), "mala", "0.5", kSteps);
    expect_others_unchanged(sound, failed, chain);
    EXPECT_EQ(failed.positions[kStep][chain], failed.positions[kStep - 1][chain]);
    EXPECT_EQ(failed.summary.frozen_count, 0);
    EXPECT_EQ(failed.summary.sums.nan_proposals, energy == INFINITY ? 0 : 1);
    EXPECT_NE(failed.positions[kSteps - 1][chain], failed.positions[kStep][chain]);  // it goes on
  }
}

TEST(FailureTest, AnAdjustedChainFreezesWhereItsOwnStartFails) {
  const auto sound = poisoned({}, 0);
  std::vector<double> start(1);
  double* position[] = {start.data()};
  default_start(sound.variables())->draw(11, kFailing, 1, 0, position);
  const Outcome failed = sample(poisoned(start[0], NAN), "mala", "0.5", 5);
  expect_others_unchanged(sample(sound, "mala", "0.5", 5), failed, kFailing);
  ASSERT_EQ(failed.summary.frozen_count, 1);
  EXPECT_EQ(failed.summary.frozen[0].chain, kFailing);
  EXPECT_EQ(failed.summary.frozen[0].step, 0);
}

TEST(FailureTest, AStatusOtherThanOkFailsTheRunWithItsText) {
  const double position = sample(poisoned({}, 0), "langevin", "0.1", kSteps).positions[kStep][kFailing];
  const RowEnergy energy(line("x"), [position](const double* x, double* g) {
    if (x[0] == position) throw PluginError("expert 'row' failed in evaluate");
    g[0] = x[0];
    return 0.5 * x[0] * x[0];
  });
  try {
    sample(energy, "langevin", "0.1", kSteps);
    FAIL();
  } catch (const PluginError& error) {
    EXPECT_STREQ(error.what(), "expert 'row' failed in evaluate");
  }
}

}  // namespace
}  // namespace potluck::testing
