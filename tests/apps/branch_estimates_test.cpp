// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <fstream>

#include "tests/apps/command_test.h"

namespace potluck::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

/// Two bowls on 16 numbers, of strengths 1 and 4. No model says log Z = 8 log(2 pi/strength).
class BranchEstimatesTest : public CommandTest {
 protected:
  void write_bowls(const std::string& log_z, const std::string& support = "") const {
    write("bowls.yaml", "variables: {x: {shape: [16]" + support +
                            "}}\n"
                            "energies:\n"
                            "  wide: {model: test_bench.bowl, settings: {strength: 1}, inputs: x}\n"
                            "  steep: {model: test_bench.bowl, settings: {strength: 4}, inputs: x}\n"
                            "target: {mixture: [{energy: wide, log_z: " +
                            log_z + "}, {energy: steep, log_z: " + log_z +
                            "}]}\n"
                            "sample: {method: mala, chains: 4, warmup: 20, steps: 10}\n");
  }
};

TEST_F(BranchEstimatesTest, AreMadeOnceBeforeARunAndKept) {
  write_bowls("{particles: 1024}");
  const CommandResult before = potluck_with_bench({"explain", "bowls.yaml"});
  EXPECT_EQ(before.exit_code, 0) << before.err;
  EXPECT_THAT(before.out, HasSubstr("log Z of 'wide' is to be estimated by annealing before a run"));

  const CommandResult run = potluck_with_bench({"sample", "bowls.yaml", "--output", "run"});
  ASSERT_EQ(run.exit_code, 0) << run.err;
  EXPECT_THAT(run.err, HasSubstr("estimating log Z of branch 'steep' of mixture 'target' by annealing\n"));
  const auto made = read_json("run/run.json")["log_z"];
  ASSERT_EQ(made.size(), 2u);
  for (const auto& one : made) {
    const double expected = 8 * std::log(2 * M_PI / (one["branch"] == "wide" ? 1 : 4)), error = one["standard_error"];
    EXPECT_EQ(one["from"], "annealing");
    EXPECT_LT(error, 0.1);
    // 6 standard errors by 7 degrees of freedom.
    EXPECT_NEAR(one["value"].get<double>(), expected, 12.7 * error);
  }

  const CommandResult again = potluck_with_bench({"sample", "bowls.yaml", "--output", "again", "--seed", "5"});
  ASSERT_EQ(again.exit_code, 0) << again.err;
  EXPECT_THAT(again.err, Not(HasSubstr("estimating")));
  const auto kept = read_json("again/run.json")["log_z"];
  for (size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(kept[i]["value"], made[i]["value"]);
    EXPECT_EQ(kept[i]["from"], "cache");
  }
  EXPECT_THAT(potluck_with_bench({"explain", "bowls.yaml"}).out, HasSubstr(" (estimated by annealing)"));

  // A run goes on with its own, whatever became of what was kept.
  std::filesystem::remove_all(path(".cache/potluck/log_z"));
  const CommandResult resumed = potluck_with_bench({"sample", "--resume", "run", "--set", "sample.steps=20"});
  ASSERT_EQ(resumed.exit_code, 0) << resumed.err;
  EXPECT_THAT(resumed.err, Not(HasSubstr("estimating")));
  EXPECT_EQ(read_json("run/run.json")["log_z"][0]["from"], "the run before");
}

TEST_F(BranchEstimatesTest, LeaveStartsThatARerunHasToo) {
  write_bowls("{particles: 256}");
  ASSERT_EQ(potluck_with_bench({"sample", "bowls.yaml", "--output", "one"}).exit_code, 0);
  EXPECT_EQ(read_json("one/run.json")["start"],
            "draws of the mixture's branches, as many of each branch as its weight says");
  const CommandResult again = potluck_with_bench({"sample", "bowls.yaml", "--output", "two"});
  ASSERT_EQ(again.exit_code, 0) << again.err;
  EXPECT_EQ(read_json("two/run.json")["log_z"][0]["from"], "cache");
  EXPECT_EQ(read_json("two/summary.json")["variables"], read_json("one/summary.json")["variables"]);
  // Without them all is made anew, and is the same.
  for (const auto& file : std::filesystem::directory_iterator(path(".cache/potluck/log_z")))
    if (file.path().extension() == ".safetensors") std::filesystem::remove(file.path());
  const CommandResult lost = potluck_with_bench({"sample", "bowls.yaml", "--output", "three"});
  EXPECT_THAT(lost.err, HasSubstr("It is made anew\n"));
  EXPECT_EQ(read_json("three/run.json")["log_z"][0]["from"], "annealing");
  EXPECT_EQ(read_json("three/summary.json")["variables"], read_json("one/summary.json")["variables"]);
  // Draws that were changed are not believed.
  for (const auto& file : std::filesystem::directory_iterator(path(".cache/potluck/log_z"))) {
    if (file.path().extension() != ".safetensors") continue;
    std::fstream stream(file.path(), std::ios::in | std::ios::out | std::ios::binary);
    stream.seekp(-3, std::ios::end);
    stream.put(0x11);
  }
  EXPECT_THAT(potluck_with_bench({"sample", "bowls.yaml", "--output", "four"}).err,
              HasSubstr(".safetensors: must agree with its SHA-256, got another one. It is made anew\n"));
}

TEST_F(BranchEstimatesTest, OfOtherContentAreMadeAnew) {
  write_bowls("{particles: 256}");
  ASSERT_EQ(potluck_with_bench({"sample", "bowls.yaml", "--output", "one"}).exit_code, 0);
  const CommandResult other =
      potluck_with_bench({"sample", "bowls.yaml", "--output", "two", "--set", "sample.precision=float64"});
  EXPECT_THAT(other.err, HasSubstr("estimating log Z of branch 'wide'"));
  // A file that is not what was kept is not believed.
  for (const auto& file : std::filesystem::directory_iterator(path(".cache/potluck/log_z")))
    std::filesystem::resize_file(file.path(), 40);
  const CommandResult cut = potluck_with_bench({"sample", "bowls.yaml", "--output", "three"});
  EXPECT_THAT(cut.err, HasSubstr(".json: must be JSON, got an error: "));
  EXPECT_THAT(cut.err, HasSubstr("It is made anew\n"));
  EXPECT_THAT(cut.err, HasSubstr("estimating log Z"));
  // Nor is one with another number in it.
  for (const auto& file : std::filesystem::directory_iterator(path(".cache/potluck/log_z"))) {
    auto record = nlohmann::ordered_json::parse(std::ifstream(file.path()), nullptr, /*allow_exceptions=*/false);
    if (record.is_discarded()) continue;  // of the other precision, which was not made anew
    record["value"] = 1e6;
    std::ofstream(file.path()) << record.dump(2);
  }
  const CommandResult changed = potluck_with_bench({"sample", "bowls.yaml", "--output", "four"});
  EXPECT_THAT(changed.err, HasSubstr(".json: must agree with its SHA-256, got another one. It is made anew\n"));
  EXPECT_THAT(changed.err, HasSubstr("estimating log Z"));
}

TEST_F(BranchEstimatesTest, WarnWhereTheyLeaveAWeightInDoubt) {
  write_bowls("{particles: 8, repeats: 2}");
  const CommandResult run = potluck_with_bench({"sample", "bowls.yaml", "--output", "run"});
  ASSERT_EQ(run.exit_code, 0) << run.err;
  EXPECT_THAT(run.out, HasSubstr("warning: mixture 'target': estimates of log Z must move no weight by more than 0.01, "
                                 "but their standard errors move that of '"));
}

TEST_F(BranchEstimatesTest, CutExpertsOffAtTheSupports) {
  write_bowls("{region: support, particles: 1024}", ", support: [0, inf]");
  ASSERT_EQ(potluck_with_bench({"sample", "bowls.yaml", "--output", "run"}).exit_code, 0);
  const auto made = read_json("run/run.json")["log_z"][0];
  // Of each coordinate half is left.
  EXPECT_NEAR(made["value"].get<double>(), 8 * std::log(2 * M_PI) - 16 * std::log(2),
              12.7 * made["standard_error"].get<double>());
}

}  // namespace
}  // namespace potluck::testing
