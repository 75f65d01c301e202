// SPDX-License-Identifier: Apache-2.0
// Runs under the limits of the machine: signals, streams that take nothing, full disks, too few threads, no memory.
#include <fmt/format.h>
#include <signal.h>

#include <chrono>
#include <memory>
#include <thread>

#include "core/files/parts.h"
#include "tests/apps/command_test.h"

namespace potluck::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class LimitsCommandTest : public CommandTest {
 protected:
  /// Every bit of every draw.
  std::string records(const std::string& run) const {
    PartReader reader(path(run) / "draws");
    std::string all;
    for (auto record = reader.next(); !record.empty(); record = reader.next())
      all.append(reinterpret_cast<const char*>(record.data()), record.size());
    return all;
  }

  /// `script` of a shell that knows the program as $potluck.
  CommandResult shell(const std::string& script) {
    return RunningCommand({"/bin/bash", "-c", script}, path(""),
                          {"potluck=" POTLUCK_PROGRAM, "POTLUCK_PLUGIN_PATH=" POTLUCK_BENCH_FOLDER})
        .wait();
  }

  std::unique_ptr<RunningCommand> start_shell(const std::string& script) {
    return std::make_unique<RunningCommand>(
        std::vector<std::string>{"/bin/bash", "-c", script}, path(""),
        std::vector<std::string>{"potluck=" POTLUCK_PROGRAM, "POTLUCK_PLUGIN_PATH=" POTLUCK_BENCH_FOLDER});
  }

  void write_slow(const std::string& sample) const {
    write_scene("test_bench.slow, settings: {pause: 1000}", "chains: 4, warmup: 20, " + sample);
  }
};

TEST_F(LimitsCommandTest, AHangUpLeavesARunThatGoesOnToTheSameBits) {
  write_slow("steps: 4000, thin: 10");
  ASSERT_EQ(potluck_with_bench({"sample", "scene.yaml", "--output", "whole", "--quiet"}).exit_code, 0);
  const auto run = start_with_bench({"sample", "scene.yaml", "--output", "run"});
  ASSERT_TRUE(wait_for("run/run.json", 2000));
  std::this_thread::sleep_for(std::chrono::milliseconds(1000));
  run->send(SIGHUP);
  run->send(SIGHUP);
  const CommandResult result = run->wait();
  EXPECT_EQ(result.exit_code, 130) << result.signal << result.err;
  EXPECT_EQ(read_json("run/run.json").at("state"), "interrupted");
  ASSERT_EQ(potluck_with_bench({"sample", "--resume", "run", "--quiet"}).exit_code, 0);
  EXPECT_TRUE(records("run") == records("whole"));
}

TEST_F(LimitsCommandTest, AHangUpThatIsIgnoredStaysIgnored) {
  write_slow("steps: 200");
  const auto run = start_shell("trap '' HUP; exec $potluck sample scene.yaml --output run --quiet");
  ASSERT_TRUE(wait_for("run/run.json", 2000));
  std::this_thread::sleep_for(std::chrono::milliseconds(1000));
  run->send(SIGHUP);
  EXPECT_EQ(run->wait().exit_code, 0);
  EXPECT_EQ(read_json("run/run.json").at("state"), "done");
}

TEST_F(LimitsCommandTest, TerminationAfterCtrlCIsNotASecondCtrlC) {
  write_slow("steps: 100000");
  const auto run = start_with_bench({"sample", "scene.yaml", "--output", "run"});
  ASSERT_TRUE(wait_for("run/draws/0000.part", 2000));
  run->send(SIGINT);
  run->send(SIGTERM);
  run->send(SIGTERM);
  const CommandResult result = run->wait();
  EXPECT_EQ(result.exit_code, 130) << result.signal;
  EXPECT_EQ(read_json("run/run.json").at("state"), "interrupted");
  EXPECT_TRUE(exists("run/checkpoint/latest"));
}

// A block takes a second, so that no end of a block comes between the two.
TEST_F(LimitsCommandTest, ASecondCtrlCEndsAtOnceAndTheRecordSaysSo) {
  write_scene("test_bench.slow, settings: {pause: 20000}",
              "chains: 4, warmup: 0, step_size: 0.5, steps: 100000, thin: 50");
  const auto run = start_with_bench({"sample", "scene.yaml", "--output", "run"});
  ASSERT_TRUE(wait_for("run/draws/0000.part", 2000));
  run->send(SIGINT);
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  run->send(SIGINT);
  const CommandResult result = run->wait();
  EXPECT_EQ(result.exit_code, 130) << result.signal;
  const nlohmann::json record = read_json("run/run.json");
  EXPECT_EQ(record.at("state"), "cut short");
  EXPECT_EQ(record.at("why_stopped"), "ended at once by a second Ctrl-C");
  EXPECT_EQ(record.at("ended").get<std::string>().size(), 20u) << record.at("ended");
  EXPECT_EQ(potluck_with_bench({"export", "run", "--quiet"}).exit_code, 0);
  EXPECT_EQ(read_json("run/run.json").at("why_stopped"), "ended at once by a second Ctrl-C");
}

TEST_F(LimitsCommandTest, ALogThatTakesNothingChangesNoRun) {
  write_scene("test_bench.bowl", "chains: 4, warmup: 20, steps: 50");
  ASSERT_EQ(potluck_with_bench({"sample", "scene.yaml", "--output", "whole", "--quiet"}).exit_code, 0);
  for (const std::string streams : {"2>/dev/full >/dev/full", "2>&- >&-", "2>&- >&- <&-"}) {
    EXPECT_EQ(shell("$potluck sample scene.yaml --output run " + streams).exit_code, 0) << streams;
    EXPECT_EQ(read_json("run/run.json").at("state"), "done") << streams;
    EXPECT_TRUE(records("run") == records("whole")) << streams;
    std::filesystem::remove_all(path("run"));
  }
}

TEST_F(LimitsCommandTest, ACommandWhoseOutputCannotBePrintedFails) {
  write_scene("test_bench.bowl", "chains: 4");
  for (const std::string command : {"check scene.yaml", "explain scene.yaml", "schema", "methods list", "--help"}) {
    const CommandResult full = shell("$potluck " + command + " > /dev/full");
    EXPECT_EQ(full.exit_code, 1) << command;
    EXPECT_EQ(full.err,
              "potluck: error: the standard output must take what is printed, got 'No space left on device'. Print to "
              "another place\n");
    EXPECT_EQ(shell("$potluck " + command + " >&-").exit_code, 1) << command;
  }
  // A reader that has enough is no error to speak of.
  const CommandResult head = shell("set -o pipefail; for i in 1 2 3; do $potluck schema; done | head -c 1");
  EXPECT_EQ(head.err, "");
}

TEST_F(LimitsCommandTest, ALimitOnTheSizeOfFilesIsTheErrorOfAFailedWrite) {
  write_scene("test_bench.bowl", "chains: 16, warmup: 50, steps: 200, checkpoint_every: 50");
  ASSERT_EQ(potluck_with_bench({"sample", "scene.yaml", "--output", "whole", "--quiet"}).exit_code, 0);
  const CommandResult result = shell("ulimit -f 60; exec $potluck sample scene.yaml --output run");
  EXPECT_EQ(result.exit_code, 1) << result.signal;
  EXPECT_THAT(result.err, HasSubstr("0000.part: must be a file that can be written, got 'File too large'. Raise the "
                                    "limit on the size of files (ulimit -f)"));
  EXPECT_EQ(read_json("run/run.json").at("state"), "failed");
  EXPECT_THAT(result.err, HasSubstr("potluck sample --resume"));
  ASSERT_EQ(potluck_with_bench({"sample", "--resume", "run", "--quiet"}).exit_code, 0);
  EXPECT_TRUE(records("run") == records("whole"));
}

// The disk is full behind the n-th write, for every n of a run: draws, checkpoints, records, draws.nc, summary.
TEST_F(LimitsCommandTest, AFullDiskAtAnyWriteLosesNoDrawThatWasCheckpointed) {
  write_scene("test_bench.bowl", "chains: 2, warmup: 4, steps: 12, step_size: 0.5, checkpoint_every: 4");
  ASSERT_EQ(potluck_with_bench({"sample", "scene.yaml", "--output", "whole", "--quiet"}).exit_code, 0);
  int failed = 0, resumed = 0;
  for (int n = 0; n < 1000; ++n) {
    std::filesystem::remove_all(path("run"));
    const CommandResult result =
        shell(fmt::format("exec bash -c 'LD_PRELOAD={} POTLUCK_TEST_WRITES={} $potluck sample scene.yaml --output run "
                          "--quiet 2>&1 | cat; exit ${{PIPESTATUS[0]}}'",
                          POTLUCK_REFUSALS, n));
    ASSERT_EQ(result.signal, 0) << n;
    if (result.exit_code == 0) {
      EXPECT_TRUE(records("run") == records("whole")) << n;
      break;
    }
    ++failed;
    ASSERT_EQ(result.exit_code, 1) << n << result.out;
    EXPECT_THAT(result.out, HasSubstr("potluck: error: ")) << n;
    if (!exists("run")) continue;  // nothing had been drawn
    const nlohmann::json record = read_json("run/run.json");
    EXPECT_EQ(record.at("state"), "failed") << n << result.out;
    if (!exists("run/checkpoint/latest")) continue;
    const CommandResult more = potluck_with_bench({"sample", "--resume", "run", "--quiet"});
    // Where all steps were done, only files are missing.
    if (more.exit_code == 2) {
      EXPECT_THAT(more.err, HasSubstr("sample.steps must be above the 12")) << n;
      EXPECT_EQ(potluck_with_bench({"export", "run", "--quiet"}).exit_code, 0) << n;
    } else {
      EXPECT_EQ(more.exit_code, 0) << n << more.err;
    }
    EXPECT_TRUE(records("run") == records("whole")) << n;
    EXPECT_TRUE(exists("run/draws.nc")) << n;
    ++resumed;
  }
  EXPECT_GT(failed, 20);
  EXPECT_GT(resumed, 8);
}

TEST_F(LimitsCommandTest, ThreadsThatCannotBeStartedAreDoneWithoutAndItIsSaid) {
  write_scene("test_bench.bowl", "chains: 600, warmup: 20, steps: 50");
  ASSERT_EQ(potluck_with_bench({"sample", "scene.yaml", "--output", "whole", "--quiet"}).exit_code, 0);
  for (const int most : {0, 2, 5}) {
    const std::string run = fmt::format("run{}", most);
    const CommandResult result = shell(fmt::format(
        "export LD_PRELOAD={} POTLUCK_TEST_THREADS={}; exec $potluck sample scene.yaml --threads 4 --output {}",
        POTLUCK_REFUSALS, most, run));
    EXPECT_EQ(result.exit_code, 0) << result.signal << result.err;
    EXPECT_TRUE(records(run) == records("whole")) << most;
    if (most < 3) {
      EXPECT_THAT(result.out, HasSubstr(fmt::format("this machine started only {} of 4 threads", most + 1)));
    }
  }
}

TEST_F(LimitsCommandTest, MoreThreadsThanThereIsWorkForAreHarmless) {
  write_scene("test_bench.bowl", "chains: 600, warmup: 20, steps: 50");
  ASSERT_EQ(potluck_with_bench({"sample", "scene.yaml", "--output", "whole", "--quiet"}).exit_code, 0);
  ASSERT_EQ(potluck_with_bench({"sample", "scene.yaml", "--output", "run", "--quiet", "--threads", "1024"}).exit_code,
            0);
  EXPECT_TRUE(records("run") == records("whole"));
}

// Some of these limits let the libraries be mapped and not be initialised.
TEST_F(LimitsCommandTest, TooLittleMemoryIsSaidInWords) {
  write_scene("test_bench.bowl", "chains: 4, warmup: 20, steps: 50");
  for (int kilobytes = 300000; kilobytes <= 600000; kilobytes += 20000) {
    const CommandResult result = shell(
        fmt::format("ulimit -v {}; exec $potluck sample scene.yaml --output run{} --quiet", kilobytes, kilobytes));
    EXPECT_EQ(result.signal, 0) << kilobytes;
    EXPECT_THAT(result.err, Not(HasSubstr("terminate called"))) << kilobytes;
    if (result.exit_code != 0) {
      EXPECT_THAT(result.err, Not(::testing::IsEmpty())) << kilobytes;
    }
  }
}

}  // namespace
}  // namespace potluck::testing
