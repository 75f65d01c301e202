// SPDX-License-Identifier: Apache-2.0
// Runs under the limits of the machine: signals, streams that take nothing, full disks, too few threads, no memory.
#include <fmt/format.h>
#include <signal.h>

#include <chrono>
#include <memory>
#include <thread>

#include "tests/apps/command_test.h"

namespace potluck::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class LimitsCommandTest : public CommandTest {
 protected:
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

// What batch systems send ahead of the end of a job, and a limit on the time of the processor (ulimit -t).
TEST_F(LimitsCommandTest, AnEndThatIsAnnouncedLeavesACheckpoint) {
  write_slow("steps: 100000");
  for (const int signal : {SIGUSR1, SIGUSR2, SIGXCPU}) {
    const std::string name = "run" + std::to_string(signal);
    const auto run = start_with_bench({"sample", "scene.yaml", "--output", name});
    ASSERT_TRUE(wait_for(name + "/draws/0000.part", 2000));
    run->send(signal);
    run->send(signal);
    const CommandResult result = run->wait();
    EXPECT_EQ(result.exit_code, 130) << result.signal;
    EXPECT_EQ(read_json(name + "/run.json").at("state"), "interrupted");
    EXPECT_TRUE(exists(name + "/checkpoint/latest"));
  }
}

// From the moment when the record says that a run is done, a signal costs neither its report nor its exit code.
TEST_F(LimitsCommandTest, ASignalInTheLastMomentsChangesNothing) {
  write_scene("test_bench.bowl", "chains: 4, warmup: 20, steps: 50");
  for (int i = 0; i < 6; ++i) {
    const std::string name = "run" + std::to_string(i);
    const auto run = start_with_bench({"sample", "scene.yaml", "--output", name});
    const auto is_done = [&] { return read(name + "/run.json").find("\"state\": \"done\"") != std::string::npos; };
    while (!run->ended() && !is_done()) {
    }
    for (int again = 0; again < 100 && !run->ended(); ++again) {
      run->send(i % 2 == 0 ? SIGTERM : SIGHUP);
      std::this_thread::sleep_for(std::chrono::microseconds(200));
    }
    const CommandResult result = run->wait();
    EXPECT_EQ(result.exit_code, 0) << result.signal;
    EXPECT_THAT(result.out, HasSubstr("Done in"));
  }
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

// OpenMP, which LibTorch shares out its work with, ends a process that cannot start a thread.
TEST_F(LimitsCommandTest, AModelOfLibTorchIsMadeWithoutThreadsThatCannotBeStarted) {
  write("scene.yaml",
        "variables: {x: {shape: [2]}}\n"
        "target: {model: zoo.default_type.uses, inputs: x}\n"
        "sample: {method: mala, chains: 8, warmup: 50, steps: 50}\n"
        "integrable: true\n");
  const std::string plugin = POTLUCK_ZOO_DIR "/zoo.default_type.potluck.so";
  ASSERT_EQ(sample({"scene.yaml", "--output", "whole", "--quiet", "--plugin", plugin}).exit_code, 0);
  for (const char* threads : {"1", "4"}) {
    const CommandResult result = potluck(
        {"sample", "scene.yaml", "--output", std::string("run") + threads, "--plugin", plugin, "--threads", threads},
        {"LD_PRELOAD=" POTLUCK_REFUSALS, "POTLUCK_TEST_THREADS=0"});
    EXPECT_EQ(result.exit_code, 0) << result.err;
    EXPECT_TRUE(records(std::string("run") + threads) == records("whole"));
  }
}

TEST_F(LimitsCommandTest, AModelIsCheckedWithTheThreadsThatThereAre) {
  const auto threads_check = [&](int most) {
    const CommandResult result = shell(
        fmt::format("export LD_PRELOAD={} POTLUCK_TEST_THREADS={}; exec $potluck plugins check test_bench --model "
                    "test_bench.bowl",
                    POTLUCK_REFUSALS, most));
    EXPECT_EQ(result.exit_code, 0) << result.signal << result.out << result.err;
    const size_t begin = result.out.find("  threads ");
    return result.out.substr(begin, result.out.find('\n', begin) - begin);
  };
  EXPECT_THAT(threads_check(0), HasSubstr("this machine starts no second thread"));
  EXPECT_THAT(threads_check(1), ::testing::ContainsRegex("the same bits in [0-9]+ rows from 2 threads"));
}

TEST_F(LimitsCommandTest, MoreThreadsThanThereIsWorkForAreHarmless) {
  write_scene("test_bench.bowl", "chains: 600, warmup: 20, steps: 50");
  ASSERT_EQ(potluck_with_bench({"sample", "scene.yaml", "--output", "whole", "--quiet"}).exit_code, 0);
  ASSERT_EQ(potluck_with_bench({"sample", "scene.yaml", "--output", "run", "--quiet", "--threads", "1024"}).exit_code,
            0);
  EXPECT_TRUE(records("run") == records("whole"));
}

// Some of these limits let the libraries be mapped and not be initialised, others not even that.
TEST_F(LimitsCommandTest, TooLittleMemoryIsSaidInWords) {
#ifdef __SANITIZE_THREAD__
  GTEST_SKIP() << "the thread sanitizer maps terabytes of addresses before the program begins";
#endif
  write("scene.yaml",
        "variables: {x: {shape: [3]}}\n"
        "target: {model: gaussian, inputs: x}\n"
        "sample: {chains: 8, warmup: 50, steps: 200}\n");
  for (int kilobytes = 100000; kilobytes <= 600000; kilobytes += 10000) {
    const CommandResult result = shell(
        fmt::format("ulimit -v {}; exec $potluck sample scene.yaml --output run{} --quiet", kilobytes, kilobytes));
    EXPECT_EQ(result.signal, 0) << kilobytes;
    EXPECT_THAT(result.err, Not(HasSubstr("terminate called"))) << kilobytes;
    if (result.exit_code != 0) {
      EXPECT_EQ(result.exit_code, 1) << kilobytes;
      EXPECT_THAT(result.err, HasSubstr("memory")) << kilobytes;
      EXPECT_THAT(result.err, Not(HasSubstr("LD_LIBRARY_PATH"))) << kilobytes;
      EXPECT_THAT(result.err, Not(HasSubstr("Free space"))) << kilobytes;
    }
  }
}

TEST_F(LimitsCommandTest, AModelThatFindsNoMemoryIsTheMachinesMatter) {
  write("scene.yaml", "variables: {x: {shape: [1000000000]}}\ntarget: {model: gaussian, inputs: x}\n");
  const CommandResult result = shell("ulimit -v 3000000; exec $potluck sample scene.yaml --output run");
  EXPECT_EQ(result.exit_code, 1) << result.err;
  EXPECT_THAT(result.err, HasSubstr("memory"));
}

// The limit is there so that a run that is not refused does not take the machine with it.
TEST_F(LimitsCommandTest, ARunThatNoMemoryIsLeftForIsRefusedAtItsPlaceBeforeTheFirstStep) {
  write("scene.yaml",
        "variables: {x: {shape: [3]}}\n"
        "target: {model: gaussian, inputs: x}\n"
        "sample: {chains: 100000000, warmup: 50, steps: 200}\n");
  const CommandResult result = shell("ulimit -v 4000000; exec $potluck sample scene.yaml --output run");
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.err,
              ::testing::ContainsRegex(
                  "^scene.yaml:3:18: sample.chains must be <= [0-9]+, as this machine and its limits leave [0-9.]+ GB "
                  "of memory, got 100000000 chains, which take [0-9.]+ GB at least. Use fewer, or give it more memory "
                  "\\(ulimit -v, ulimit -d, a container's limit\\)\n$"));
  EXPECT_FALSE(exists("run"));
}

TEST_F(LimitsCommandTest, TooFewOpenFilesAreNoDamage) {
  write_scene("test_bench.bowl", "chains: 4, warmup: 20, steps: 50");
  ASSERT_EQ(potluck_with_bench({"sample", "scene.yaml", "--output", "run", "--quiet"}).exit_code, 0);
  const std::string draws = records("run");
  // With fewer, and with some of these where the tests have files open, the system does not load the program.
  int refused = 0;
  for (int files = 6; files <= 20; ++files) {
    for (const std::string command : {"export run --quiet", "sample scene.yaml --output other --quiet"}) {
      std::filesystem::remove_all(path("other"));
      const CommandResult result = shell(fmt::format("ulimit -n {}; exec $potluck {}", files, command));
      EXPECT_EQ(result.signal, 0) << files << command;
      const bool loaded = result.err.find("error while loading shared libraries") == std::string::npos;
      if (result.exit_code == 0 || !loaded) continue;
      ++refused;
      EXPECT_EQ(result.exit_code, 1) << files << " " << command << result.err;
      EXPECT_THAT(result.err, ::testing::AnyOf(HasSubstr("ulimit -n"), HasSubstr("ulimit -a"))) << files << command;
    }
  }
  EXPECT_GT(refused, 0);
  EXPECT_TRUE(records("run") == draws);
}

TEST_F(LimitsCommandTest, NoLimitOnTheStackMakesDeepEnergiesCrash) {
  std::string energies = "  e0: {model: gaussian, inputs: x}\n";
  for (int i = 1; i < 498; ++i) energies += fmt::format("  e{}: {{product: [e{}]}}\n", i, i - 1);
  write("deep.yaml", "variables: {x: {shape: [2]}}\nenergies:\n" + energies + "target: e497\n");
  for (const std::string limit : {"ulimit -S -s 1024", "ulimit -s 1024", "ulimit -s 256", "ulimit -s unlimited"}) {
    const CommandResult result = shell(limit + "; exec $potluck check deep.yaml");
    EXPECT_EQ(result.exit_code, 0) << limit << result.signal << result.err;
  }
}

TEST_F(LimitsCommandTest, AWorkingFolderThatIsGoneIsSaidFirst) {
  write("scene.yaml", "variables: {x: {shape: [2]}}\ntarget: {model: gaussian, inputs: x}\n");
  const CommandResult result = shell("mkdir gone; cd gone; rmdir ../gone; exec $potluck check ../scene.yaml");
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_EQ(result.err,
            "potluck: error: the working folder must be one that is there, got 'No such file or directory' for its "
            "name. Change to another (cd)\n");
}

}  // namespace
}  // namespace potluck::testing
