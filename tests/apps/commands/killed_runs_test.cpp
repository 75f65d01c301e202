// SPDX-License-Identifier: Apache-2.0
// Runs are killed at random steps of every phase and gone on with: the bits are those of a run that was never cut.
// 20 kills as it stands; POTLUCK_KILLS=200 in the environment of the test makes it 200.
#include <fmt/format.h>
#include <sched.h>
#include <signal.h>

#include <cstdlib>
#include <random>

#include "tests/apps/command_test.h"

namespace potluck::testing {
namespace {

namespace filesystem = std::filesystem;

class KilledRunsTest : public CommandTest {
 protected:
  static constexpr int64_t kWarmup = 60, kSteps = 300;

  static int64_t kills() {
    const char* asked = std::getenv("POTLUCK_KILLS");
    return asked ? std::atoll(asked) : 20;
  }

  int64_t random(int64_t least, int64_t most) { return std::uniform_int_distribution<int64_t>(least, most)(engine_); }

  /// The words as a process that is killed at its evaluation number `at`; 0: never.
  std::unique_ptr<RunningCommand> start(const std::vector<std::string>& words, int64_t at = 0) {
    std::vector<std::string> settings;
    if (at > 0) settings.push_back(fmt::format("POTLUCK_TEST_KILL_AT={}", at));
    return start_with_bench(words, settings);
  }

  void expect_whole_run() {
    EXPECT_EQ(read_json("run/run.json").at("state"), "done");
    EXPECT_TRUE(records("run") == records("whole"));
    EXPECT_EQ(read("run/state.safetensors"), read("whole/state.safetensors"));
    EXPECT_EQ(read("run/summary.json"), read("whole/summary.json"));
    EXPECT_TRUE(exists("run/draws.nc"));
    EXPECT_TRUE(exists("run/pictures/x-sd.png"));
    EXPECT_FALSE(exists(".run.potluck-new"));
    for (const auto& entry : filesystem::recursive_directory_iterator(path("run")))
      EXPECT_FALSE(entry.path().string().ends_with(".part-written")) << entry.path();
  }

  /// Goes on until the run is there; anew where it was killed before its first checkpoint.
  void finish(const std::string& command, const std::vector<std::string>& begin) {
    const std::string there = exists(".run.potluck-new") ? ".run.potluck-new" : "run";
    if (there == "run" && read_json("run/run.json").at("state") == "done") return;
    std::vector<std::string> words = {command, "--resume", there};
    if (!exists(there + "/checkpoint/latest")) {
      words = begin;
      words.push_back("--overwrite");
    }
    const CommandResult result = start(words)->wait();
    ASSERT_EQ(result.exit_code, 0) << result.err;
  }

  /// Kills the process once one of the files that the end of a run makes is there, and tells whether it still ran.
  bool kill_at_the_end(RunningCommand& running, const std::string& folder) {
    const std::vector<std::string> files = {"draws.nc", "state.safetensors",     "summary.json",
                                            "pictures", "pictures/x-chains.png", "pictures/x-sd.png"};
    const std::string file = files[static_cast<size_t>(random(0, static_cast<int64_t>(files.size()) - 1))];
    while (!running.ended() && !exists(folder + "/" + file)) sched_yield();
    running.send(SIGKILL);
    return running.wait().signal == SIGKILL;
  }

 private:
  std::mt19937_64 engine_{1};
};

TEST_F(KilledRunsTest, GoOnToTheBitsOfRunsThatWereNeverCut) {
  write_scene("test_bench.slow, settings: {pause: 0}",
              fmt::format("chains: 6, warmup: {}, steps: {}, thin: 3, checkpoint_every: 20", kWarmup, kSteps));
  const std::vector<std::string> begin = {"sample", "scene.yaml", "--output", "run"};
  ASSERT_EQ(start({"sample", "scene.yaml", "--output", "whole"})->wait().exit_code, 0);
  ASSERT_EQ(start({"sample", "scene.yaml", "--output", "older", "--seed", "2"})->wait().exit_code, 0);
  const std::vector<std::string> estimate = {
      "evidence", "scene.yaml", "--output", "run", "--particles", "300", "--repeats", "3", "--checkpoint-every", "2"};
  std::vector<std::string> whole_estimate = estimate;
  whole_estimate[3] = "log-z";
  ASSERT_EQ(start(whole_estimate)->wait().exit_code, 0);

  int64_t in_warmup = 0, in_sampling = 0, at_the_end = 0, in_evidence = 0;
  for (int64_t kill = 0; kill < kills(); ++kill) {
    SCOPED_TRACE(fmt::format("kill {}", kill));
    for (const char* folder : {"run", ".run.potluck-new"}) filesystem::remove_all(path(folder));
    switch (kill % 4) {
      case 0:  // an evaluation a step, and one at the start
        in_warmup += start(begin, random(1, kWarmup))->wait().signal == SIGKILL ? 1 : 0;
        finish("sample", begin);
        break;
      case 1:
        in_sampling += start(begin, random(kWarmup + 2, kWarmup + kSteps))->wait().signal == SIGKILL ? 1 : 0;
        finish("sample", begin);
        break;
      case 2: {
        const bool overwrite = kill % 8 == 2;
        std::vector<std::string> words = begin;
        if (overwrite) {
          filesystem::copy(path("older"), path("run"), filesystem::copy_options::recursive);
          words.push_back("--overwrite");
        }
        auto running = start(words);
        at_the_end += kill_at_the_end(*running, overwrite ? ".run.potluck-new" : "run") ? 1 : 0;
        finish("sample", begin);
        break;
      }
      default:
        in_evidence += start(estimate, random(1, 12))->wait().signal == SIGKILL ? 1 : 0;
        finish("evidence", estimate);
        EXPECT_EQ(read("run/evidence.json"), read("log-z/evidence.json"));
    }
    if (kill % 4 != 3) expect_whole_run();
    if (HasFailure()) return;
  }
  fmt::print("killed: {} in the warm-up, {} in the sampling, {} at the end, {} in an estimate\n", in_warmup,
             in_sampling, at_the_end, in_evidence);
  const int64_t of_each = kills() / 4;
  EXPECT_GE(in_warmup, of_each);
  EXPECT_GE(in_sampling, of_each);
  EXPECT_GE(in_evidence, of_each);
  EXPECT_GT(at_the_end, 0);  // the others ended before the signal came
}

}  // namespace
}  // namespace potluck::testing
