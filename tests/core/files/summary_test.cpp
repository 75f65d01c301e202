// SPDX-License-Identifier: Apache-2.0
#include "core/files/summary.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/core/files/example_run.h"
#include "tests/core/files/scratch.h"

namespace potluck {
namespace {

/// z of the chains that count, [chains, draws].
std::vector<double> all_z(int64_t draws, int64_t without = -1) {
  std::vector<double> values;
  for (int64_t chain = 0; chain < ExampleRun::kChains; ++chain) {
    for (int64_t draw = 0; draw < draws && chain != without; ++draw) values.push_back(ExampleRun::z(draw, chain));
  }
  return values;
}

TEST(SummaryTest, GivesTheNumbersOfTheDraws) {
  const Scratch scratch;
  ExampleRun(Precision::kFloat64).write(scratch.folder(), 50);
  const DrawsSummary summary = summarize_draws(scratch.folder());
  EXPECT_EQ(summary.draws, 50);
  ASSERT_EQ(summary.variables.size(), 2u);
  EXPECT_EQ(summary.variables[0].held, 3);
  ASSERT_EQ(summary.variables[0].scalars.size(), 3u);
  EXPECT_EQ(summary.variables[0].scalars[0].name, "image[1, 0]");
  EXPECT_EQ(summary.variables[0].diagnosed, 3);

  const std::vector<double> z = all_z(50);
  const Convergence expected = diagnose({z, 5, 50});
  const ScalarSummary& found = summary.variables[1].scalars[0];
  EXPECT_EQ(found.name, "z");
  EXPECT_NEAR(found.mean, expected.mean, 1e-14);
  EXPECT_NEAR(found.sd, expected.sd, 1e-14);
  EXPECT_EQ(found.convergence.ess_tail, expected.ess_tail);
  EXPECT_EQ(found.convergence.rhat, expected.rhat);
  // Energies are draw + chain / 4: mean 24.5 + 0.5; the experts' 2 E and -E; acceptance 0.5 ... 0.9.
  EXPECT_NEAR(summary.energy.mean, 25, 1e-12);
  EXPECT_NEAR(summary.experts[0].mean, 50, 1e-12);
  EXPECT_NEAR(summary.experts[1].mean, -25, 1e-12);
  EXPECT_NEAR(summary.acceptance, 0.7, 1e-12);
  EXPECT_EQ(summary.worst_rhat, summary.energy.convergence.rhat);  // the energy has a trend
  EXPECT_GT(summary.worst_rhat, 1.5);
}

TEST(SummaryTest, LeavesOutFrozenChainsAndNamesThem) {
  const Scratch scratch;
  ExampleRun(Precision::kFloat64).write(scratch.folder(), 50, 2);
  const DrawsSummary summary = summarize_draws(scratch.folder());
  EXPECT_EQ(summary.frozen, std::vector<int64_t>{102});
  const std::vector<double> z = all_z(50, 2);
  EXPECT_NEAR(summary.variables[1].scalars[0].mean, diagnose({z, 4, 50}).mean, 1e-14);
  EXPECT_EQ(summary.variables[1].scalars[0].convergence.rhat, diagnose({z, 4, 50}).rhat);
}

TEST(SummaryTest, DiagnosesWhatFitsAndSaysSo) {
  const Scratch scratch;
  ExampleRun().write(scratch.folder(), 50);
  // Room for 4 of the 5 numbers: energy, z (the smaller variable) and two of the image's three free pixels.
  const DrawsSummary some = summarize_draws(scratch.folder(), {4 * 5 * 50});
  EXPECT_TRUE(some.energy.diagnosed);
  EXPECT_EQ(some.variables[1].diagnosed, 1);
  EXPECT_EQ(some.variables[0].diagnosed, 2);
  EXPECT_TRUE(some.variables[0].scalars[0].diagnosed);
  EXPECT_TRUE(some.variables[0].scalars[1].diagnosed);
  EXPECT_FALSE(some.variables[0].scalars[2].diagnosed);
  EXPECT_GT(some.variables[0].scalars[2].sd, 0);
  const DrawsSummary none = summarize_draws(scratch.folder(), {10});
  EXPECT_FALSE(none.energy.diagnosed);
  EXPECT_TRUE(std::isnan(none.worst_rhat));
}

TEST(SummaryTest, BecomesJson) {
  const Scratch scratch;
  ExampleRun().write(scratch.folder(), 3);  // too few for diagnostics: NaN
  const nlohmann::json all = to_json(summarize_draws(scratch.folder()));
  EXPECT_EQ(all.at("chains"), 5);
  EXPECT_EQ(all.at("draws"), 3);
  EXPECT_EQ(all.at("worst_rhat"), "nan");
  EXPECT_EQ(all.at("variables")[1].at("scalars")[0].at("rhat"), "nan");
  EXPECT_EQ(all.at("expert_energies")[0].at("name"), "coat");
  EXPECT_NEAR(all.at("energy").at("mean").get<double>(), 1.5, 1e-12);
}

}  // namespace
}  // namespace potluck
