// SPDX-License-Identifier: Apache-2.0
// With a CUDA runtime that only pretends (pretend_cuda.cpp), so that the order is seen on any machine.
#include <algorithm>
#include <sstream>

#include "tests/apps/command_test.h"

namespace potluck::testing {
namespace {

using ::testing::StartsWith;

class CudaContextTest : public CommandTest {
 protected:
  /// What happened in which process during `potluck check`: "context 0 PID" and "opened test_bench PID", a line each.
  std::vector<std::string> events_of_check(const std::string& device, std::vector<std::string> settings = {}) {
    write_scene("test_bench.bowl", "steps: 10");
    settings.insert(settings.end(),
                    {"LD_PRELOAD=" POTLUCK_PRETEND_CUDA, "ASAN_OPTIONS=verify_asan_link_order=0",
                     "POTLUCK_TEST_LOG=" + path("log").string(), "POTLUCK_PLUGIN_PATH=" POTLUCK_BENCH_FOLDER});
    last_ = potluck({"check", "scene.yaml", "--device", device}, settings);
    std::vector<std::string> events;
    std::istringstream log(exists("log") ? read("log") : "");
    for (std::string line; std::getline(log, line);) events.push_back(line);
    return events;
  }
  static std::string process_of(const std::string& event) { return event.substr(event.rfind(' ') + 1); }

  CommandResult last_;
};

TEST_F(CudaContextTest, IsMadeOnceInTheHostBeforeAPluginIsOpened) {
  std::vector<std::string> events = events_of_check("cuda");
  ASSERT_GE(events.size(), 3u) << last_.err;
  EXPECT_THAT(events[0], StartsWith("context 0 "));
  EXPECT_THAT(events[1], StartsWith("opened "));  // at first sight
  EXPECT_THAT(events[2], StartsWith("opened "));
  EXPECT_NE(process_of(events[0]), process_of(events[1]));
  EXPECT_EQ(process_of(events[0]), process_of(events[2]));
  for (const std::string& event : events) {
    EXPECT_FALSE(event.starts_with("context") && process_of(event) == process_of(events[1])) << event;
  }
}

TEST_F(CudaContextTest, ProcessesOfOneMachineTakeItsDevicesInTurn) {
  const auto device_of = [&](const std::string& device, int local_rank) {
    std::filesystem::remove(path("log"));
    const std::vector<std::string> events = events_of_check(
        device, {"POTLUCK_TEST_DEVICES=3", "POTLUCK_TEST_FULL_DEVICE=1", "OMPI_COMM_WORLD_RANK=9",
                 "OMPI_COMM_WORLD_SIZE=12", "OMPI_COMM_WORLD_LOCAL_RANK=" + std::to_string(local_rank)});
    return events.empty() ? "none" : events[0].substr(0, events[0].rfind(' '));
  };
  EXPECT_EQ(device_of("auto", 0), "context 0");
  EXPECT_EQ(device_of("auto", 2), "context 2");
  EXPECT_EQ(device_of("cuda", 1), "context 1");
  EXPECT_EQ(device_of("cuda", 4), "context 1");  // begins anew behind the last
  EXPECT_EQ(device_of("cuda:2", 1), "context 2");
}

TEST_F(CudaContextTest, IsNotMadeForTheCpu) {
  const std::vector<std::string> events = events_of_check("cpu");
  EXPECT_EQ(last_.exit_code, 0) << last_.err;
  ASSERT_EQ(events.size(), 2u);
  for (const std::string& event : events) EXPECT_THAT(event, StartsWith("opened "));
}

TEST_F(CudaContextTest, ADeviceThatCannotBeUsedIsSaidBeforeAnyPluginIsOpened) {
  const std::vector<std::string> events = events_of_check("cuda:0", {"POTLUCK_TEST_FULL_DEVICE=1"});
  EXPECT_EQ(last_.exit_code, 2);
  EXPECT_EQ(last_.err,
            "potluck: error: the device must be one that can be used, got cuda:0: out of memory. Use --device cpu, or "
            "see `nvidia-smi` for who uses it\n");
  EXPECT_EQ(events.size(), 1u);
}

TEST_F(CudaContextTest, ADeviceThatWasOnlyTriedIsNoError) {
  const std::vector<std::string> events = events_of_check("auto", {"POTLUCK_TEST_FULL_DEVICE=1"});
  EXPECT_EQ(last_.exit_code, 0) << last_.err;
  EXPECT_THAT(last_.out, StartsWith("warning: the run is on the CPU, as the composition cannot be on cuda:0: "));
}

}  // namespace
}  // namespace potluck::testing
