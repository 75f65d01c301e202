// SPDX-License-Identifier: Apache-2.0
#include "plugins/child_process.h"

#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <stdexcept>

#include "plugins/plugin_call.h"
#include "tests/plugins/plugins_fixture.h"

namespace potluck {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kPatience(20000);

class ChildProcessTest : public PluginsTest {};

TEST_F(ChildProcessTest, ReportsMoreThanAPipeHolds) {
  const std::string once(300000, 'x');  // a pipe holds 65536 bytes
  const ChildEnd end = run_in_child_process(
      [&](const ChildReport& host) {
        host.write(once);
        host.write("end");
      },
      kPatience);
  EXPECT_EQ(end.report, once + "end");
  EXPECT_TRUE(end.in_time);
  EXPECT_EQ(end.signal, 0);
}

TEST_F(ChildProcessTest, ACrashIsTheChildsAndWhatItReportedIsKept) {
  const ChildEnd end = run_in_child_process(
      [](const ChildReport& host) {
        host.write("so far");
        raise(SIGSEGV);
      },
      kPatience);
  EXPECT_EQ(end.report, "so far");
  EXPECT_EQ(end.signal, SIGSEGV);
  EXPECT_EQ(signal_text(end.signal), "signal 11, Segmentation fault");
}

TEST_F(ChildProcessTest, AnExceptionThatLeavesTheWorkIsACrash) {
  const ChildEnd end =
      run_in_child_process([](const ChildReport&) { throw std::runtime_error("out of flour"); }, kPatience);
  EXPECT_EQ(end.signal, SIGABRT);
}

TEST_F(ChildProcessTest, AHangEndsWithThePatienceOfTheHost) {
  const auto begin = std::chrono::steady_clock::now();
  const ChildEnd end = run_in_child_process(
      [](const ChildReport& host) {
        host.write("waiting");
        for (;;) pause();
      },
      milliseconds(200));
  EXPECT_FALSE(end.in_time);
  EXPECT_EQ(end.report, "waiting");
  EXPECT_EQ(end.signal, SIGKILL);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(5));
}

TEST_F(ChildProcessTest, TellsTheCallOfAPluginThatTheChildWasIn) {
  const auto call_at_the_end = [](const std::function<void()>& end, milliseconds patience = kPatience) {
    return run_in_child_process([&](const ChildReport&) { end(); }, patience).call;
  };
  const PluginCall outer = {"acme.ising", "1.2.0", "acme.ising.pairs", "create"};
  const PluginCall inner = {"acme.ising", "1.2.0", "acme.ising.pairs", "evaluate"};
  EXPECT_EQ(call_at_the_end([&] {
              const PluginCallScope scope(inner);
              std::abort();
            }),
            "evaluate");
  const auto hang = [&] {
    const PluginCallScope around(outer);
    { const PluginCallScope scope(inner); }
    for (;;) pause();
  };
  EXPECT_EQ(call_at_the_end(hang, milliseconds(3000)), "create");
  EXPECT_EQ(call_at_the_end([&] {
              { const PluginCallScope scope(inner); }
              std::abort();
            }),
            "");
}

TEST_F(ChildProcessTest, AnExitRunsNoHandlerOfTheHost) {
  // The host's handler leaves a mark if it is run in the child, whose memory is not ours.
  static std::filesystem::path mark;
  mark = folder_ / "mark";
  static const pid_t host = getpid();
  std::atexit([] {
    if (getpid() != host) std::ofstream(mark) << "run";
  });
  const ChildEnd end = run_in_child_process([](const ChildReport&) { std::exit(3); }, kPatience);
  EXPECT_EQ(end.signal, 0);
  EXPECT_FALSE(std::filesystem::exists(mark));
}

TEST_F(ChildProcessTest, TheChildSpeaksToNobodyElse) {
  testing::internal::CaptureStdout();
  run_in_child_process(
      [](const ChildReport&) {
        std::puts("hello");
        std::fflush(stdout);
      },
      kPatience);
  EXPECT_EQ(testing::internal::GetCapturedStdout(), "");
}

TEST_F(ChildProcessTest, SaysWhyNoneCanBeStarted) {
  rlimit before;
  getrlimit(RLIMIT_NOFILE, &before);
  const rlimit none = {0, before.rlim_max};
  setrlimit(RLIMIT_NOFILE, &none);
  const std::string error = error_of([] { run_in_child_process([](const ChildReport&) {}, kPatience); });
  setrlimit(RLIMIT_NOFILE, &before);
  EXPECT_EQ(
      error,
      "a child process is needed, such as to try a plugin in, and none can be started: Too many open files. Close "
      "other programs, or raise the limits of this shell (ulimit -a)");
}

}  // namespace
}  // namespace potluck
