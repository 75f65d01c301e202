// SPDX-License-Identifier: Apache-2.0
#include <signal.h>

#include <cmath>

#include "tests/apps/command_test.h"

namespace potluck::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class VerdictCommandTest : public CommandTest {
 protected:
  /// 0.9 N(-`apart`, 1) + 0.1 N(`apart`, 1).
  void write_two_modes(int apart, const std::string& sample) const {
    write("scene.yaml",
          "variables: {x: {}}\n"
          "energies:\n"
          "  l: {model: gaussian, settings: {mean: -" +
              std::to_string(apart) +
              "}, inputs: x}\n"
              "  r: {model: gaussian, settings: {mean: " +
              std::to_string(apart) +
              "}, inputs: x}\n"
              "target: {mixture: [{energy: l, weight: 0.9}, {energy: r, weight: 0.1}]}\n"
              "sample: {" +
              sample + "}\n");
  }

  std::string verdict_of(const std::string& run) const {
    return read_json(run + "/summary.json").at("verdict").at("usable");
  }

  /// The shares of the branches of the first mixture.
  nlohmann::json branches_of(const std::string& run) const {
    return read_json(run + "/summary.json").at("mixtures").at(0).at("branches");
  }
};

TEST_F(VerdictCommandTest, ABranchThatNoChainMetIsMissedByRunExportAndMerge) {
  // All chains begin at 20, where the branch of weight .1 is; between the modes the energy is 200.
  std::string header = "{'descr': '<f8', 'fortran_order': False, 'shape': (16,), }";
  header.resize(117, ' ');
  std::string bytes = std::string("\x93NUMPY\x01\x00v\x00", 10) + header + "\n";
  const double start = 20;
  for (int chain = 0; chain < 16; ++chain) bytes.append(reinterpret_cast<const char*>(&start), sizeof start);
  write("start.npy", bytes);
  write_two_modes(20, "method: hmc, chains: 16, warmup: 200, steps: 500, start: start.npy");
  const CommandResult run = potluck({"sample", "scene.yaml", "--output", "run", "--quiet"});
  ASSERT_EQ(run.exit_code, 0) << run.err;
  EXPECT_EQ(verdict_of("run"), "no");
  EXPECT_NEAR(branches_of("run").at(0).at("share").get<double>(), 0, 1e-9);
  const CommandResult exported = potluck({"export", "run"});
  EXPECT_THAT(exported.out, AllOf(HasSubstr("Branch l: 0.000 of the draws, weight 0.9.\n"),
                                  HasSubstr("Branch r: 1.000 of the draws, weight 0.1.\n"),
                                  HasSubstr("Not usable yet: a branch is missing: branch l: 0.000 of the draws, weight "
                                            "0.9"),
                                  HasSubstr("parallel_tempering")));
  for (const char* rank : {"0", "1"})
    ASSERT_EQ(
        potluck({"sample", "scene.yaml", "--output", "both", "--rank", rank, "--world", "2", "--quiet"}).exit_code, 0);
  const CommandResult merged = potluck({"merge", "both"});
  EXPECT_THAT(merged.out, HasSubstr("Not usable yet: a branch is missing: branch l: 0.000 of the draws, weight 0.9"));
}

TEST_F(VerdictCommandTest, AMixtureThatIsMixedIsUsable) {
  // Modes 3 apart: chains cross.
  write_two_modes(1, "method: hmc, chains: 32, warmup: 300, steps: 1000, seed: 3");
  const CommandResult run = potluck({"sample", "scene.yaml", "--output", "run"});
  ASSERT_EQ(run.exit_code, 0) << run.err;
  EXPECT_THAT(run.out, AllOf(HasSubstr("weight 0.9.\n"), Not(HasSubstr("Not usable"))));
  const nlohmann::json branch = branches_of("run").at(0);
  EXPECT_LT(std::abs(branch.at("share").get<double>() - 0.9), 6 * branch.at("standard_error").get<double>());
}

TEST_F(VerdictCommandTest, WhatIsGivenLeavesBranchesReportedAndUnjudged) {
  write_two_modes(20, "method: hmc, chains: 16, warmup: 200, steps: 200, temperature: 2, start: normal");
  const CommandResult run = potluck({"sample", "scene.yaml", "--output", "run"});
  ASSERT_EQ(run.exit_code, 0) << run.err;
  EXPECT_THAT(run.out,
              AllOf(HasSubstr("(which need not agree: the run is at T = 2)"), Not(HasSubstr("a branch is missing"))));
}

TEST_F(VerdictCommandTest, TemperingThatIsTooColdIsNotToldToTemper) {
  write_two_modes(20,
                  "method: parallel_tempering, hottest: 1.5, replicas: 2, chains: 16, warmup: 200, steps: 500, "
                  "start: normal");
  const CommandResult run = potluck({"sample", "scene.yaml", "--output", "run"});
  ASSERT_EQ(run.exit_code, 0) << run.err;
  EXPECT_THAT(run.out,
              AllOf(HasSubstr("Not usable yet"), HasSubstr("Raise hottest (now 1.5)"), HasSubstr("replicas (now 2)"),
                    HasSubstr("inner"), Not(HasSubstr("use parallel_tempering"))));
  const nlohmann::json hottest = read_json("run/run.json").at("swaps").at("hottest_energy");
  EXPECT_EQ(hottest.at("ladders"), 16);
  EXPECT_EQ(hottest.at("draws"), 500);
}

TEST_F(VerdictCommandTest, NumbersThatFloat32CannotHoldAreToBeDrawnInFloat64) {
  write("scene.yaml",
        "variables: {t: {}}\n"
        "target: {model: gaussian, settings: {mean: 1.7e7, variance: 1}, inputs: t}\n"
        "sample: {method: mala, chains: 16, warmup: 200, steps: 1000, thin: 2}\n");
  const std::pair<std::string, std::string> runs[] = {
      {"1.7e7", "mala"}, {"1.7e7", "hmc"}, {"3e7", "mala"}, {"3e7", "hmc"}, {"1.7e9", "hmc"}};
  for (const auto& [mean, method] : runs) {
    const CommandResult run = potluck({"sample", "scene.yaml", "--output", "run", "--overwrite", "--set",
                                       "sample.method=" + method, "--set", "target.settings.mean=" + mean});
    ASSERT_EQ(run.exit_code, 0) << run.err;
    EXPECT_THAT(run.out, AllOf(HasSubstr("Not usable yet"), HasSubstr("precision: float64"),
                               Not(HasSubstr("Lower step_size")), Not(HasSubstr("run about"))))
        << mean << " " << method;
  }
  const CommandResult wide = potluck({"sample", "scene.yaml", "--output", "wide", "--set", "sample.precision=float64"});
  EXPECT_THAT(wide.out, AllOf(HasSubstr("Usable"), Not(HasSubstr("Not usable"))));
}

TEST_F(VerdictCommandTest, FewDrawsOfChainsThatStandStillAreNoMoreThanTheirStarts) {
  write("scene.yaml",
        "variables: {x: {shape: [3]}}\n"
        "target: {model: gaussian, inputs: x}\n"
        "sample: {chains: 400, warmup: 50, seed: 3, step_size: 1e-6}\n");
  for (const char* steps : {"4", "7", "8", "16"}) {
    const CommandResult run = potluck(
        {"sample", "scene.yaml", "--output", "run", "--overwrite", "--set", std::string("sample.steps=") + steps});
    ASSERT_EQ(run.exit_code, 0) << run.err;
    EXPECT_THAT(run.out, AllOf(HasSubstr("Usable: 400 effective draws at least"), HasSubstr("the chains hardly move")))
        << steps;
  }
}

TEST_F(VerdictCommandTest, ARunThatWasKilledIsJudgedByWhatItNotedWhereItBegan) {
  write_scene("test_bench.slow, settings: {pause: 0}", "chains: 6, warmup: 5, steps: 50, step_size: 1e-6");
  // An evaluation a step, and one at the start.
  const CommandResult killed =
      potluck_with_bench({"sample", "scene.yaml", "--output", "run"}, {"POTLUCK_TEST_KILL_AT=30"});
  EXPECT_EQ(killed.signal, SIGKILL);
  const nlohmann::json record = read_json("run/run.json");
  EXPECT_EQ(record.at("state"), "running");
  EXPECT_TRUE(record.at("exact_start").is_boolean());
  EXPECT_TRUE(record.at("start_energy").is_number());
  EXPECT_NEAR(record.at("step_size").get<double>(), 1e-6, 1e-12);
  EXPECT_EQ(record.at("warmup_nan_proposals"), 0);
}

TEST_F(VerdictCommandTest, ARunThatHasNotEndedIsToldApartFromOneThatHas) {
  write("scene.yaml",
        "variables: {x: {shape: [3]}}\n"
        "target: {model: gaussian, inputs: x}\n"
        "sample: {chains: 400, warmup: 50, steps: 40, seed: 3, step_size: 1e-3}\n");
  ASSERT_EQ(potluck({"sample", "scene.yaml", "--output", "run", "--quiet"}).exit_code, 0);
  const nlohmann::json ended = read_json("run/summary.json").at("verdict");
  EXPECT_EQ(ended.at("usable"), "yes");
  // As a kill before the end leaves it.
  nlohmann::ordered_json record = nlohmann::ordered_json::parse(read("run/run.json"));
  record["state"] = "running";
  for (const char* key : {"steps_done", "draws", "divergences", "nan_proposals", "virial", "acceptance", "frozen_count",
                          "frozen", "seconds", "verdict"})
    record.erase(key);
  write("run/run.json", record.dump());
  const CommandResult exported = potluck({"export", "run"});
  EXPECT_THAT(exported.out, AllOf(HasSubstr("Usable with care: the run has not ended"),
                                  HasSubstr("every chain began as an exact draw"), Not(HasSubstr("do not agree"))));
}

TEST_F(VerdictCommandTest, AdviceBehindARuleIsAStricterRuleAndLeadsOn) {
  write("scene.yaml",
        "variables: {x: {shape: [2]}}\n"
        "target: {model: banana, inputs: x}\n"
        "sample: {chains: 8, warmup: 100, steps: 30000, seed: 1, start: normal, until: {rhat: 1.05}}\n");
  const CommandResult run = potluck({"sample", "scene.yaml", "--output", "run"});
  ASSERT_EQ(run.exit_code, 0) << run.err;
  EXPECT_THAT(run.out, AllOf(HasSubstr("Stopped early: R-hat reached 1.0"),
                             HasSubstr("potluck sample --resume --until rhat=1.01 --until ess=400")));
  const auto steps = read_json("run/run.json").at("steps_done").get<int64_t>();
  potluck({"sample", "--resume", "run", "--until", "rhat=1.01", "--until", "ess=400", "--quiet"});
  EXPECT_GT(read_json("run/run.json").at("steps_done").get<int64_t>(), steps);
}

TEST_F(VerdictCommandTest, WhyRhatHasNoValueIsSaid) {
  write("scene.yaml",
        "variables: {x: {shape: [3]}}\n"
        "target: {model: gaussian, inputs: x}\n"
        "sample: {chains: 8, warmup: 50, steps: 200, seed: 3, temperature: 1e-300}\n");
  EXPECT_THAT(
      potluck({"sample", "scene.yaml", "--output", "cold"}).out,
      AllOf(HasSubstr("R-hat has no value: 3 numbers never moved (x[0])."), Not(HasSubstr("counted from near"))));
  EXPECT_THAT(potluck({"sample", "scene.yaml", "--output", "few", "--set", "sample.steps=3"}).out,
              HasSubstr("R-hat has no value: it needs 4 draws a chain, got 3."));
  EXPECT_THAT(potluck({"sample", "scene.yaml", "--output", "practice", "--set", "sample.temperature=1", "--set",
                       "sample.method=ebm_practice"})
                  .out,
              AllOf(HasSubstr("half the step,"), Not(HasSubstr("step_size ("))));
}

TEST_F(VerdictCommandTest, AMixtureInTheRecordThatPointsNowhereIsRefused) {
  write_two_modes(1, "method: mala, chains: 4, warmup: 50, steps: 100");
  ASSERT_EQ(potluck({"sample", "scene.yaml", "--output", "run", "--quiet"}).exit_code, 0);
  nlohmann::ordered_json record = nlohmann::ordered_json::parse(read("run/run.json"));
  record["mixtures"]["operators"][0]["of"][0] = 7;
  write("run/run.json", record.dump());
  EXPECT_THAT(potluck({"export", "run"}).err, HasSubstr("run.json: an operand of mixtures must be from 0 to 1, got 7"));
}

}  // namespace
}  // namespace potluck::testing
