// SPDX-License-Identifier: Apache-2.0
// One chain of 10^4 fails in step 37 of a whole composition: the others must not notice, and the report must name the
// chain, the step and the expert.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cmath>

#include "core/error.h"
#include "tests/exactness/composed.h"

namespace potluck::testing {
namespace {

using ::testing::HasSubstr;

constexpr int64_t kChains = 10000, kUnlucky = 1234, kSteps = 100;

/// With the step size .1 a chain that begins at x = 100 slides by 100 a step: 3800 after 37 moves, over the edge at
/// 3850 in step 37, counted from 0. Noise, .45 sqrt(38) = 2.8, does not matter.
Composed cliff(const std::string& method, const std::string& beyond) {
  return Composed(R"(
variables: {x: {shape: [1]}, y: {shape: [2]}}
energies:
  edge: {model: test.cliff, settings: {beyond: )" +
                      beyond + R"(}, inputs: x}
  left: {model: gaussian, settings: {mean: [-30, 0], variance: [1000]}, inputs: y}
  right: {model: gaussian, settings: {mean: [30, 0], variance: [1000]}, inputs: y}
target: {product: [edge, {mixture: [left, right]}, {energy: left, weight: 0.5}]}
integrable: true
)",
                  "method: " + method + ", step_size: 0.1, chains: 10000, steps: 100, thin: 100");
}

/// Every chain near zero but one.
std::vector<double> starts(double unlucky) {
  std::vector<double> rows(3 * kChains);
  for (size_t i = 0; i < rows.size(); ++i) rows[i] = std::sin(static_cast<double>(i));
  rows[3 * kUnlucky] = unlucky;
  return rows;
}

LastDraw run_with(const Composed& composed, double unlucky) { return composed.run(*composed.at(starts(unlucky))); }

/// How many chains differ in any bit of any number.
int64_t different_chains(const LastDraw& a, const LastDraw& b) {
  int64_t count = 0;
  for (size_t chain = 0; chain < static_cast<size_t>(kChains); ++chain) {
    bool differs = false;
    for (size_t j = 0; j < a.column.size(); ++j) differs |= a.column[j][chain] != b.column[j][chain];
    count += differs;
  }
  return count;
}

TEST(CompositionFailureTest, AStateThatFailsFreezesItsChainAlone) {
  const Composed composed = cliff("langevin", "nan");
  const LastDraw failed = run_with(composed, 100), healthy = run_with(composed, 0);
  ASSERT_EQ(failed.summary.frozen_count, 1);
  const FrozenChain& frozen = failed.summary.frozen.at(0);
  EXPECT_EQ(frozen.chain, kUnlucky);
  EXPECT_EQ(frozen.step, 37);
  ASSERT_EQ(frozen.expert_energy.size(), 3u);
  EXPECT_EQ(composed.plan().experts().at(0), "edge");
  EXPECT_TRUE(std::isnan(frozen.expert_energy[0]));
  EXPECT_TRUE(std::isfinite(frozen.expert_energy[1]) && std::isfinite(frozen.expert_energy[2]));
  EXPECT_GT(failed.column[0][kUnlucky], 3850);  // where it failed
  EXPECT_EQ(healthy.summary.frozen_count, 0);
  EXPECT_EQ(different_chains(failed, healthy), 1);
}

TEST(CompositionFailureTest, AProposalThatIsNotANumberIsRejectedAndCounted) {
  const Composed composed = cliff("mala", "nan");
  const LastDraw failed = run_with(composed, 100), healthy = run_with(composed, 0);
  EXPECT_EQ(failed.summary.frozen_count, 0);
  EXPECT_EQ(failed.summary.sums.nan_proposals, kSteps - 37);
  EXPECT_NEAR(failed.column[0][kUnlucky], 3800, 20);  // it stays where it was after 37 moves
  EXPECT_EQ(healthy.summary.sums.nan_proposals, 0);
  EXPECT_EQ(different_chains(failed, healthy), 1);
}

TEST(CompositionFailureTest, AProposalWithoutDensityIsRejectedQuietly) {
  const Composed composed = cliff("mala", "infinity");
  const LastDraw failed = run_with(composed, 100), healthy = run_with(composed, 0);
  EXPECT_EQ(failed.summary.frozen_count, 0);
  EXPECT_EQ(failed.summary.sums.nan_proposals, 0);
  EXPECT_NEAR(failed.column[0][kUnlucky], 3800, 20);
  EXPECT_EQ(different_chains(failed, healthy), 1);
}

TEST(CompositionFailureTest, AModelThatFailsEndsTheRunByItsName) {
  const Composed composed = cliff("mala", "failure");
  EXPECT_EQ(run_with(composed, 0).summary.frozen_count, 0);
  try {
    run_with(composed, 100);
    FAIL() << "must end the run";
  } catch (const PluginError& error) {
    EXPECT_THAT(error.what(), HasSubstr("test.cliff"));
    EXPECT_THAT(error.what(), HasSubstr("1.0.0"));
    EXPECT_THAT(error.what(), HasSubstr("evaluate"));
    EXPECT_THAT(error.what(), HasSubstr("fell off the edge"));
  }
}

// Twin: in 37 moves, steps 0 to 36, nothing fails, so that it is step 37 that the checks above see.
TEST(CompositionFailureTest, TheStepBeforeIsHealthy) {
  const Composed composed = cliff("langevin", "nan");
  RunOptions options;
  options.method = "langevin";
  options.values = composed.composition().sample.method_values;
  options.chains = kChains;
  options.warmup = 0;
  options.steps = options.thin = 37;
  options.seed = 3;
  const std::atomic<bool> go_on{false};
  EXPECT_EQ(run({&composed.plan(), composed.composition().held, 1}, *composed.at(starts(100)), options, {}, go_on)
                .frozen_count,
            0);
}

}  // namespace
}  // namespace potluck::testing
