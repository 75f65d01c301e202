// SPDX-License-Identifier: Apache-2.0
#include <signal.h>

#include <fstream>

#include "core/files/formats/safetensors.h"
#include "core/files/run/draws.h"
#include "tests/apps/command_test.h"

namespace potluck::testing {
namespace {

using ::testing::AllOf;
using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

class ResumeCommandTest : public CommandTest {
 protected:
  // A composition whose energy takes `pause` us a step.
  void write_slow(int pause, const std::string& lines) const {
    write_scene("test_bench.slow, settings: {pause: " + std::to_string(pause) + "}", lines);
  }

  // What `run` and `whole`, which was never cut, have in common: everything but the time.
  void expect_same(const std::string& run, const std::string& whole) const {
    EXPECT_TRUE(records(run) == records(whole));
    EXPECT_EQ(read(run + "/summary.json"), read(whole + "/summary.json"));
    EXPECT_EQ(read(run + "/state.safetensors"), read(whole + "/state.safetensors"));
    const nlohmann::json a = read_json(run + "/run.json"), b = read_json(whole + "/run.json");
    for (const char* key : {"state", "why_stopped", "steps_done", "draws", "step_size", "acceptance", "start",
                            "nan_proposals", "composition", "plugins"})
      EXPECT_EQ(a.at(key), b.at(key)) << key;
  }
};

const std::string kLines = "chains: 6, warmup: 60, steps: 900, thin: 3, checkpoint_every: 20";

TEST_F(ResumeCommandTest, AKilledRunGoesOnToTheBitsOfOneThatWasNot) {
  write_slow(0, kLines);
  ASSERT_EQ(sample({"scene.yaml", "--output", "whole"}).exit_code, 0);
  write_slow(3000, kLines);  // the same but for its pauses
  auto running = start_with_bench({"sample", "scene.yaml", "--output", "run"});
  for (int kills = 0; kills < 3; ++kills) {
    // In the warm-up at first, then wherever the second finds it.
    ASSERT_TRUE(wait_for("run/checkpoint/latest", 1)) << running->wait().err;
    const bool came = kills == 0 || wait_for("run/draws/0000.part", 20000u * static_cast<unsigned>(kills));
    ASSERT_TRUE(came);
    running->send(SIGKILL);
    EXPECT_EQ(running->wait().signal, SIGKILL);
    EXPECT_EQ(read_json("run/run.json").at("state"), "running");
    running = start_with_bench({"sample", "--resume", "run"});
  }
  const CommandResult result = running->wait();
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_TRUE(records("run") == records("whole"));
  EXPECT_EQ(read("run/summary.json"), read("whole/summary.json"));
  EXPECT_TRUE(exists("run/draws.nc"));
  EXPECT_EQ(read_json("run/run.json").at("resumed").size(), 3u);
}

TEST_F(ResumeCommandTest, AnInterruptedRunGoesOnAndSoDoesOneThatEnded) {
  write_scene("test_bench.bowl", "chains: 6, warmup: 40, steps: 4000, thin: 2");
  ASSERT_EQ(sample({"scene.yaml", "--output", "whole", "--seed", "5"}).exit_code, 0);
  write_scene("test_bench.bowl", "chains: 6, warmup: 40, steps: 100, thin: 2");
  ASSERT_EQ(sample({"scene.yaml", "--output", "run", "--seed", "5"}).exit_code, 0);
  auto running = start_with_bench({"sample", "--resume", "run", "--set", "sample.steps=4000", "--threads", "1"});
  running->send(SIGINT);  // before, in or behind its steps
  running->wait();
  const CommandResult result = sample({"--resume", "run", "--set", "sample.steps=4000"});
  ASSERT_TRUE(result.exit_code == 0 || result.err.find("must be above the 4000") != std::string::npos) << result.err;
  EXPECT_TRUE(records("run") == records("whole"));
  EXPECT_EQ(read("run/summary.json"), read("whole/summary.json"));
  EXPECT_EQ(read("run/state.safetensors"), read("whole/state.safetensors"));

  EXPECT_EQ(sample({"--resume", "run"}).err,
            "potluck: error: --set sample.steps: sample.steps must be above the 4000 that " + path("run").string() +
                " has, got 4000. Ask for more: --set sample.steps=8000\n");
}

TEST_F(ResumeCommandTest, ARunThatWasBegunQuietlyGoesOnAloudUnlessThatIsAskedForAgain) {
  write_slow(0, kLines);
  ASSERT_EQ(sample({"scene.yaml", "--output", "run", "--quiet"}).exit_code, 0);
  const CommandResult aloud = sample({"--resume", "run", "--set", "sample.steps=1200"});
  ASSERT_EQ(aloud.exit_code, 0) << aloud.err;
  EXPECT_THAT(aloud.out + aloud.err, HasSubstr("run"));
  const CommandResult quiet = sample({"--resume", "run", "--set", "sample.steps=1500", "--quiet"});
  ASSERT_EQ(quiet.exit_code, 0) << quiet.err;
  EXPECT_EQ(quiet.out + quiet.err, "");
}

TEST_F(ResumeCommandTest, ASweepGoesOnAndItsBlocksMustBeTheSame) {
  const std::string blocks = ", blocks: [{variables: [x], method: hmc}]";
  write_scene("test_bench.bowl", "chains: 6, warmup: 40, steps: 80" + blocks);
  ASSERT_EQ(sample({"scene.yaml", "--output", "whole"}).exit_code, 0);
  write_scene("test_bench.bowl", "chains: 6, warmup: 40, steps: 40" + blocks);
  ASSERT_EQ(sample({"scene.yaml", "--output", "run"}).exit_code, 0);
  ASSERT_EQ(sample({"--resume", "run", "--set", "sample.steps=80"}).exit_code, 0);
  EXPECT_TRUE(records("run") == records("whole"));
  EXPECT_EQ(read("run/state.safetensors"), read("whole/state.safetensors"));
  EXPECT_THAT(sample({"--resume", "run", "--set", "sample.steps=90", "--set", "sample.blocks[0].method=ghmc"}).err,
              ContainsRegex("\n  sample\\.blocks: .*hmc.* in the checkpoint, .*ghmc.* now\n"));
}

TEST_F(ResumeCommandTest, CtrlCLeavesACheckpoint) {
  write_slow(2000, "chains: 4, warmup: 20, steps: 100000");
  auto running = start_with_bench({"sample", "scene.yaml", "--output", "run"});
  ASSERT_TRUE(wait_for("run/draws/0000.part", 20000)) << running->wait().err;
  running->send(SIGINT);
  EXPECT_EQ(running->wait().exit_code, 130);
  const auto draws = read_json("run/run.json").at("draws").get<int64_t>();
  write_slow(2000, "chains: 4, warmup: 20, steps: 100000");
  const CommandResult result = sample({"--resume", "run", "--set", "sample.steps=" + std::to_string(draws + 10)});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(read_json("run/run.json").at("draws"), draws + 10);
  EXPECT_EQ(read_json("run/run.json").at("resumed").at(0).at("draws"), draws);
}

TEST_F(ResumeCommandTest, RefusesAnotherCompositionAndSaysWhatDiffers) {
  write_scene("test_bench.bowl", "chains: 6, warmup: 40, steps: 40");
  ASSERT_EQ(sample({"scene.yaml", "--output", "run"}).exit_code, 0);
  const std::string before = records("run");
  write_scene("test_bench.bowl, settings: {strength: 2}", "chains: 8, warmup: 40, steps: 80, seed: 2");
  const CommandResult result = sample({"--resume", "run"});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_EQ(result.err, "potluck: error: " + path("run").string() +
                            ": a run must be resumed as it was begun, got differences:\n"
                            "  energies.pot.settings.strength: not in the checkpoint, 2 now\n"
                            "  sample.chains: 6 in the checkpoint, 8 now\n"
                            "  sample.seed: 1 in the checkpoint, 2 now\n"
                            "Take them back, or start another run from its last positions: start: " +
                            (path("run") / "state.safetensors").string() + "\n");
  EXPECT_TRUE(records("run") == before);
}

// A run that was cut short has no state.safetensors yet.
TEST_F(ResumeCommandTest, NamesPositionsOnlyWhereTheyAre) {
  write_scene("test_bench.bowl", "chains: 6, warmup: 40, steps: 40");
  ASSERT_EQ(sample({"scene.yaml", "--output", "run"}).exit_code, 0);
  std::filesystem::remove(path("run/state.safetensors"));
  write_scene("test_bench.bowl", "chains: 8, warmup: 40, steps: 80");
  const std::string run = path("run").string();
  EXPECT_THAT(sample({"--resume", "run"}).err,
              ::testing::EndsWith("Take them back, or start another run from its last positions, start: " + run +
                                  "/state.safetensors, which this makes: potluck export " + run + "\n"));
  EXPECT_EQ(potluck({"export", "run"}).exit_code, 0);
  EXPECT_TRUE(exists("run/state.safetensors"));
}

TEST_F(ResumeCommandTest, RefusesADamagedCheckpointAndFoldersThatAreNoRuns) {
  write_scene("test_bench.bowl", "chains: 6, warmup: 40, steps: 40");
  ASSERT_EQ(sample({"scene.yaml", "--output", "run"}).exit_code, 0);
  std::string bytes = read("run/checkpoint/latest");
  bytes[bytes.size() / 2] ^= 1;
  write("run/checkpoint/latest", bytes);
  EXPECT_EQ(sample({"--resume", "run", "--set", "sample.steps=80"}).err,
            "potluck: error: " + (path("run") / "checkpoint" / "latest").string() +
                ": the checkpoint must agree with its SHA-256, got another one. The draws that are there stay good: "
                "`potluck export` makes use of them\n");
  std::filesystem::remove_all(path("run/checkpoint"));
  EXPECT_THAT(sample({"--resume", "run"}).err, HasSubstr("a run must have a checkpoint to be resumed, got none"));
  EXPECT_THAT(sample({"--resume", "nothing"}).err, HasSubstr("must be the folder of a run"));
  EXPECT_EQ(sample({"scene.yaml", "--resume", "run"}).err,
            "potluck: error: FILE must be left out with --resume, got 'scene.yaml'\n");
}

TEST_F(ResumeCommandTest, TwoProcessesDoNotWriteToOneRun) {
  write_slow(2000, "chains: 4, warmup: 20, steps: 100000, checkpoint_every: 5");
  auto running = start_with_bench({"sample", "scene.yaml", "--output", "run"});
  ASSERT_TRUE(wait_for("run/checkpoint/latest", 1)) << running->wait().err;
  const CommandResult result = sample({"--resume", "run"});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_EQ(result.err, "potluck: error: " + path("run").string() +
                            " must be a folder that no other process writes to, got one that is in use. Wait for "
                            "that run, or end it\n");
}

TEST_F(ResumeCommandTest, ARunStartsFromTheLastPositionsOfAnother) {
  write_scene("test_bench.bowl", "chains: 6, warmup: 40, steps: 40");
  ASSERT_EQ(sample({"scene.yaml", "--output", "run"}).exit_code, 0);
  const Safetensors state = read_safetensors(path("run/state.safetensors"));
  ASSERT_EQ(state.arrays.at("x").shape, (std::vector<int64_t>{6, 4, 4}));
  // So small a step moves nothing by 0.01.
  write_scene("test_bench.bowl",
              "method: langevin, step_size: 1e-8, chains: 12, warmup: 0, steps: 1, start: run/state.safetensors");
  ASSERT_EQ(sample({"scene.yaml", "--output", "next"}).exit_code, 0);
  DrawsReader reader(path("next"));
  const Draw* draw = reader.next();
  for (int i = 0; i < 12 * 16; ++i)
    EXPECT_NEAR(static_cast<const float*>(draw->position[0])[i], state.arrays.at("x").at(i % (6 * 16)), 0.01);
}

TEST_F(ResumeCommandTest, UntilEndsARunWhereItHasConvergedAndNoLater) {
  write_scene("test_bench.bowl", "chains: 8, warmup: 60, steps: 20000, until: {rhat: 1.05, ess: 300}");
  const CommandResult result = sample({"scene.yaml", "--output", "run"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const nlohmann::json record = read_json("run/run.json");
  EXPECT_THAT(
      record.at("why_stopped").get<std::string>(),
      ContainsRegex("^R-hat reached 1\\.0[0-9]+ \\(.*\\), at most 1\\.05 was asked for; the effective sample size "
                    "reached [0-9]+ \\(.*\\), at least 300 was asked for, after [0-9]+ steps; all 16 "
                    "coordinates that move were looked at$"));
  EXPECT_LT(record.at("draws"), 10000);
  EXPECT_EQ(record.at("until").at("reached"), true);
  EXPECT_EQ(record.at("until").at("looked_at"), "all 16 coordinates that move");
  EXPECT_THAT(result.out, HasSubstr("Stopped early: R-hat reached "));
  EXPECT_LT(read_json("run/summary.json").at("worst_rhat"), 1.06);

  // More is bought; the run is then the one that asked for it in the first place.
  EXPECT_EQ(sample({"--resume", "run", "--until", "ess=700"}).exit_code, 0);
  EXPECT_GT(read_json("run/run.json").at("draws"), record.at("draws"));
  ASSERT_EQ(sample({"scene.yaml", "--output", "whole", "--until", "ess=700"}).exit_code, 0);
  expect_same("run", "whole");
}

TEST_F(ResumeCommandTest, ConvergenceThatWasAskedForAndNotReachedIsAnExitCode) {
  write_scene("test_bench.bowl", "chains: 8, warmup: 60, steps: 30, until: {mcse: 0.02}");
  CommandResult result = sample({"scene.yaml", "--output", "run"});
  EXPECT_EQ(result.exit_code, 5);
  EXPECT_THAT(result.err,
              ContainsRegex("potluck: convergence was asked for and not reached: the standard error of a mean "
                            "is 0\\.[0-9]+ standard deviations \\(.*\\), at most 0\\.02 was asked for; all "
                            "16 coordinates that move were looked at\\. To draw more: potluck sample "
                            "--resume .*run --set sample\\.steps=[0-9]+\n"));
  // One number of steps, where the verdict says one.
  const std::string more = result.err.substr(result.err.rfind('=') + 1);
  if (result.out.find("Draw about ") != std::string::npos)
    EXPECT_THAT(result.out, HasSubstr("Draw about " + more.substr(0, more.find('\n')) + " steps (this run: 30)"));
  else
    EXPECT_EQ(more, "60\n");
  EXPECT_EQ(read_json("run/run.json").at("until").at("reached"), false);
  // Steps alone are a budget and no convergence.
  EXPECT_EQ(sample({"scene.yaml", "--output", "steps", "--set", "sample.until={steps: 20}"}).exit_code, 0);
  EXPECT_EQ(read_json("steps/run.json").at("steps_done"), 20);
}

TEST_F(ResumeCommandTest, TimeEndsARunAndIsNotReproducible) {
  write_slow(1000, "chains: 4, warmup: 20, steps: 1000000, until: {time: 0.5s}");
  const CommandResult result = sample({"scene.yaml", "--output", "run"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out, ContainsRegex("Stopped early: its time, 0\\.5 s, was up after [0-9]+ steps?; another run may "
                                        "end at another step"));
}

TEST_F(ResumeCommandTest, MistakesInUntilHaveTheirPlace) {
  const auto error = [&](const std::string& until) {
    write_scene("test_bench.bowl", "chains: 8, until: " + until);
    return sample({"scene.yaml", "--output", "run"}).err;
  };
  EXPECT_EQ(error("{rhat: 1}"), "scene.yaml:7:35: sample.until.rhat must be finite and > 1, got 1\n");
  EXPECT_EQ(error("{rath: 1.1}"),
            "scene.yaml:7:29: unknown key 'rath' in the until section. Did you mean 'rhat'? Known: rhat, ess, mcse, "
            "time, steps\n");
  EXPECT_EQ(error("{time: soon}"),
            "scene.yaml:7:35: sample.until.time must be a time > 0 such as 90s, 10min, 2h or 1d, got 'soon'\n");
  EXPECT_EQ(error("{ess: 1e6}"),
            "scene.yaml:7:34: sample.until.ess must be <= 4000 with 8 chains, as that many draws are looked at, got "
            "1e+06. Use more chains, or mcse\n");
  EXPECT_EQ(error("soon"),
            "scene.yaml:7:28: sample.until must be a map, got 'soon'. Its keys: rhat, ess, mcse, time, steps\n");
  write_scene("test_bench.bowl", "checkpoint_every: -1");
  EXPECT_EQ(sample({"scene.yaml", "--output", "run"}).err,
            "scene.yaml:7:28: sample.checkpoint_every must be >= 0, got -1\n");
}

}  // namespace
}  // namespace potluck::testing
