// SPDX-License-Identifier: Apache-2.0
// `potluck evidence --output` and `--resume`.
#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include "tests/apps/command_test.h"

namespace potluck::testing {
namespace {

using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;

class EvidenceResumeCommandTest : public CommandTest {
 protected:
  /// Of few particles.
  std::vector<std::string> small(const std::vector<std::string>& more) const {
    std::vector<std::string> all = {"evidence", "scene.yaml", "--particles", "300", "--repeats", "3"};
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }

  /// What the one command of the test that was started has said on stderr so far.
  std::string printed_errors() const {
    for (const auto& file : std::filesystem::directory_iterator(path("")))
      if (file.path().filename().string().starts_with(".err")) return read(file.path().filename().string());
    return "";
  }

  /// An estimate of about 9 stages a run whose evaluations of energy take `pause` us each.
  void write_slow(int pause) const {
    write_scene(fmt::format("test_bench.slow, settings: {{pause: {}}}", pause), "temperature: 0.5");
  }
};

TEST_F(EvidenceResumeCommandTest, LeavesWhatItPrintsAsJson) {
  write_scene("test_bench.bowl", "temperature: 0.5");
  const CommandResult result = potluck_with_bench(small({"--output", "run", "--json"}));
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(read("run/evidence.json"), result.out);
  EXPECT_THAT(result.err, HasSubstr("pilot, b = 1, stage "));
  EXPECT_THAT(result.err, ContainsRegex("repeat 3/3, b = 1, stage ([0-9]+)/"));
  EXPECT_EQ(read_json("run/run.json").at("state"), "done");
  EXPECT_FALSE(exists("run/checkpoint"));

  const CommandResult again = potluck_with_bench(small({"--output", "run", "--seed", "2", "--quiet"}));
  EXPECT_EQ(again.err,
            "potluck: error: output folder run is there already. Choose another with --output, or give --overwrite\n");
  const CommandResult over = potluck_with_bench(small({"--output", "run", "--seed", "2", "--quiet", "--overwrite"}));
  EXPECT_EQ(over.exit_code, 0) << over.err;
  EXPECT_EQ(over.err, "");
  EXPECT_THAT(over.out, HasSubstr("log Z = "));
  EXPECT_EQ(read_json("run/evidence.json").at("seed"), 2);
}

TEST_F(EvidenceResumeCommandTest, AKilledEstimateGoesOnToTheBitsOfOneThatWasNot) {
  write_slow(0);
  ASSERT_EQ(potluck_with_bench(small({"--output", "whole"})).exit_code, 0);
  write_slow(3000);  // the same but for its pauses
  auto running = start_with_bench(small({"--output", "run", "--checkpoint-every", "1"}));
  std::string last;
  for (int kills = 0; kills < 4; ++kills) {
    // Each time behind another checkpoint, the first one in the pilot.
    ASSERT_TRUE(wait_for("run/checkpoint/latest", 1)) << running->wait().err;
    for (int i = 0; i < 3000 && (last.empty() || read("run/checkpoint/latest") == last); ++i) {
      last = last.empty() ? read("run/checkpoint/latest") : last;
      usleep(2000);
    }
    running->send(SIGKILL);
    EXPECT_EQ(running->wait().signal, SIGKILL);
    last = read("run/checkpoint/latest");
    EXPECT_EQ(read_json("run/run.json").at("state"), "running");
    EXPECT_FALSE(exists("run/evidence.json"));
    running = start_with_bench({"evidence", "--resume", "run"});
  }
  const CommandResult result = running->wait();
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(read("run/evidence.json"), read("whole/evidence.json"));
  EXPECT_EQ(read_json("run/run.json").at("resumed").size(), 4u);
  EXPECT_EQ(potluck_with_bench({"evidence", "--resume", "run"}).err,
            "potluck: error: " + path("run").string() +
                ": must have something left to do, got one whose estimate is "
                "done, in " +
                path("run/evidence.json").string() + "\n");
}

TEST_F(EvidenceResumeCommandTest, CtrlCEndsAtTheNextStage) {
  write_slow(0);
  ASSERT_EQ(potluck_with_bench(small({"--output", "whole"})).exit_code, 0);
  write_slow(10000);
  auto running = start_with_bench(small({"--output", "run", "--checkpoint-every", "1"}));
  ASSERT_TRUE(wait_for("run/checkpoint/latest", 1)) << running->wait().err;
  running->send(SIGINT);
  CommandResult result = running->wait();
  EXPECT_EQ(result.exit_code, 130);
  EXPECT_EQ(result.out, "");
  EXPECT_THAT(result.err, HasSubstr("Stopping at the end of this stage. Another Ctrl-C ends at once.\n"));
  EXPECT_THAT(result.err, ContainsRegex("Interrupted after [0-9.]+ s, in the pilot at b = [0-9.]+\\. To go on: potluck "
                                        "evidence --resume .*run\n"));
  EXPECT_EQ(read_json("run/run.json").at("state"), "interrupted");
  EXPECT_THAT(potluck({"export", "run"}).err, HasSubstr("must be a run with draws, got an estimate of log Z"));
  result = potluck_with_bench({"evidence", "--resume", "run", "--json"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(result.out, read("whole/evidence.json"));
}

TEST_F(EvidenceResumeCommandTest, CtrlCWithoutAFolderSaysThatNothingIsKept) {
  write_slow(100000);
  auto running = start_with_bench(small({}));
  // It says where it stands after two seconds.
  for (int i = 0; i < 3000 && printed_errors().empty(); ++i) usleep(10000);
  EXPECT_THAT(printed_errors(), MatchesRegex("pilot, b = [0-9.]+, stage [0-9]+\n"));
  running->send(SIGINT);
  const CommandResult result = running->wait();
  EXPECT_EQ(result.exit_code, 130);
  EXPECT_THAT(result.err, HasSubstr(". Nothing is kept without --output\n"));
  EXPECT_EQ(result.out, "");
}

TEST_F(EvidenceResumeCommandTest, AnOlderEstimateStaysUntilTheNewOneIsDone) {
  write_slow(0);
  ASSERT_EQ(potluck_with_bench(small({"--output", "run"})).exit_code, 0);
  const std::string older = read("run/evidence.json");
  write_slow(10000);
  auto running = start_with_bench(small({"--output", "run", "--overwrite", "--seed", "2"}));
  const std::string beside = ".run.potluck-new";
  ASSERT_TRUE(wait_for(beside + "/run.json", 1)) << running->wait().err;
  running->send(SIGINT);
  const CommandResult result = running->wait();
  EXPECT_EQ(result.exit_code, 130);
  EXPECT_EQ(read("run/evidence.json"), older);
  ASSERT_THAT(result.err, HasSubstr("To go on: potluck evidence --resume " + path(beside).string() + "\n"));
  const CommandResult again = potluck_with_bench(small({"--output", "run", "--overwrite"}));
  EXPECT_EQ(again.exit_code, 2);
  EXPECT_THAT(again.err, HasSubstr("To resume it: potluck evidence --resume " + path(beside).string() + ". "));
  ASSERT_EQ(potluck_with_bench({"evidence", "--resume", beside}).exit_code, 0);
  EXPECT_FALSE(exists(beside));
  EXPECT_EQ(read_json("run/evidence.json").at("seed"), 2);
}

TEST_F(EvidenceResumeCommandTest, RefusesWhatIsNotTheSameAndSaysWhatDiffers) {
  write_slow(10000);
  auto running = start_with_bench(small({"--output", "run", "--checkpoint-every", "1"}));
  ASSERT_TRUE(wait_for("run/checkpoint/latest", 1)) << running->wait().err;
  EXPECT_THAT(potluck_with_bench({"evidence", "--resume", "run"}).err, HasSubstr("got one that is in use"));
  running->send(SIGINT);
  running->wait();
  write_slow(9000);
  const CommandResult result =
      potluck_with_bench({"evidence", "--resume", "run", "--particles", "301", "--base-scale", "2", "--seed", "7"});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_EQ(result.err, "potluck: error: " + path("run").string() +
                            ": a run must be resumed as it was begun, got differences:\n"
                            "  energies.pot.settings.pause: 10000 in the checkpoint, 9000 now\n"
                            "  --base-scale: 1.0 in the checkpoint, 2.0 now\n"
                            "  --particles: 300 in the checkpoint, 301 now\n"
                            "  sample.seed: 1 in the checkpoint, 7 now\n"
                            "Take them back, or start another one with --output\n");
  EXPECT_EQ(potluck_with_bench({"sample", "--resume", "run"}).err,
            "potluck: error: " + path("run").string() +
                ": must be of `potluck sample`, got one of `potluck evidence`. To resume it: potluck evidence "
                "--resume " +
                path("run").string() + "\n");
  EXPECT_EQ(potluck_with_bench(small({"--checkpoint-every", "2"})).err,
            "potluck: error: --checkpoint-every must be given with --output, got it alone\n");
}

// What an error cuts short goes on once its cause is gone.
TEST_F(EvidenceResumeCommandTest, AnErrorLeavesTheCheckpointsBeforeIt) {
  write_scene("test_bench.failing, settings: {rows: 12000}", "temperature: 0.5");
  const CommandResult early = potluck_with_bench(small({"--output", "none"}));
  EXPECT_EQ(early.exit_code, 3);
  const CommandResult result = potluck_with_bench(small({"--output", "run", "--checkpoint-every", "1"}));
  EXPECT_EQ(result.exit_code, 3);
  EXPECT_THAT(result.err, HasSubstr("To go on: potluck evidence --resume " + path("run").string() + "\n"));
  EXPECT_EQ(read_json("run/run.json").at("state"), "failed");
  EXPECT_THAT(read_json("run/run.json").at("why_stopped").get<std::string>(), HasSubstr("ran out of porridge"));
  ASSERT_FALSE(exists("none"));
}

}  // namespace
}  // namespace potluck::testing
