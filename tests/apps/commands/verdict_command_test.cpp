// SPDX-License-Identifier: Apache-2.0
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
