// SPDX-License-Identifier: Apache-2.0
// What cannot be counted, or had, is told before anything is drawn.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <new>
#include <string>
#include <vector>

#include "core/backend/tiles.h"
#include "core/sampling/run/option_errors.h"
#include "tests/core/sampling/sampled.h"

namespace potluck {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using testing::line;
using testing::normal_energy;

constexpr int64_t kMost = std::numeric_limits<int64_t>::max();

RunOptions mala() {
  RunOptions options;
  options.values = option_values("mala", {{"step_size", "0.1"}});
  return options;
}

std::vector<std::string> texts(const std::vector<SettingError>& errors) {
  std::vector<std::string> all;
  for (const SettingError& error : errors) all.emplace_back(error.what());
  return all;
}

TEST(LimitsTest, StepsThatTheNoiseCannotCountAreRefused) {
  RunOptions options = mala();
  options.warmup = int64_t{UINT32_MAX} - 1000;
  options.steps = 1000;
  EXPECT_THAT(texts(option_errors(options, 1)), IsEmpty());
  ++options.warmup;
  EXPECT_THAT(texts(option_errors(options, 1)),
              ElementsAre("sample.warmup + sample.steps must be <= 4294967295, got 4294967296: the noise counts that "
                          "far. Take fewer steps"));
}

// A sum of 64 bits would be negative, and pass.
TEST(LimitsTest, StepsWhoseSumOverflowsAreRefused) {
  RunOptions options = mala();
  options.warmup = kMost - 10;
  options.steps = kMost - 3;
  options.thin = 4;  // 2^63 - 4 is a multiple
  EXPECT_THAT(texts(option_errors(options, 1)),
              ElementsAre("sample.steps + sample.warmup must be <= 4294967295, got more than 2^63: the noise counts "
                          "that far. Take fewer steps"));
  options.warmup = 0;
  options.thin = 1000;
  EXPECT_THAT(texts(option_errors(options, 1)),
              ElementsAre("sample.steps + sample.warmup must be <= 4294967295, got 9223372036854775804: the noise "
                          "counts that far. Take fewer steps",
                          "sample.steps must be a multiple of sample.thin (1000), got 9223372036854775804. Use "
                          "9223372036854775000"));
}

TEST(LimitsTest, RanksBeyondAllChainsAreRefused) {
  RunOptions options = mala();
  options.rank = {kMost, kMost};
  EXPECT_THAT(texts(option_errors(options, 1)),
              ElementsAre("a rank must have chains of 0 ... 63, got 9223372036854775807 from 9223372036854775807"));
}

TEST(LimitsTest, NumbersThatCannotBeCountedAreRefused) {
  RunOptions options = mala();
  options.chains = 4000000000;
  const std::vector<Variable> wide = {line("x", int64_t{1} << 31)}, narrow = {line("x", 1000)};
  EXPECT_THAT(texts(size_errors(options, wide)),
              ElementsAre("sample.chains must be <= 4194304 where a chain has 2147483648 numbers, got 4000000000"));
  options.method = "parallel_tempering";
  options.values = option_values("parallel_tempering", {{"replicas", "4"}});
  EXPECT_THAT(texts(size_errors(options, wide)),
              ElementsAre("sample.chains must be <= 1048576 where a chain has 8589934592 numbers, got 4000000000"));
  options = mala();
  options.chains = 4000000000;
  options.steps = 1000000;
  // 2^59 / 4e12 = 144115.2
  EXPECT_THAT(texts(size_errors(options, narrow)),
              ElementsAre("sample.steps must make at most 144115 draws of 4000000000 chains of 1000 numbers, got "
                          "1000000. Raise sample.thin, or take fewer steps"));
  options.thin = 10;
  EXPECT_THAT(texts(size_errors(options, narrow)), IsEmpty());
}

TEST(LimitsTest, ARunOfTooManyNumbersIsRefusedBeforeItHasMemory) {
  const auto energy = normal_energy(line("x", int64_t{1} << 31), 1);
  RunOptions options = mala();
  options.chains = 4294967295;
  EXPECT_THROW(check_run({&energy, {{}}, 1}, options), SettingError);
}

// A row of 10^14 numbers has more bytes than there are addresses. What tells it is what any other lack of memory is
// told by.
TEST(LimitsTest, ChainsThatMemoryCannotHoldAreALackOfMemory) {
  const auto energy = normal_energy(line("x", 100'000'000'000'000), 1);
  RunOptions options = mala();
  options.chains = options.steps = 1;
  EXPECT_THROW(testing::sampled(energy, options), std::bad_alloc);
}

TEST(LimitsTest, ARunHasNoMoreWorkersThanItsChainsCanGiveWork) {
  EXPECT_EQ(workers_of_run({}, 1, 1024), 2);  // a tile, and the draws beside it
  EXPECT_EQ(workers_of_run({}, 64, 1024), 65);
  EXPECT_EQ(workers_of_run({}, 64, 3), 3);
  EXPECT_EQ(workers_of_run({Device::Kind::kCuda, 0}, 64, 1024), 1);
}

}  // namespace
}  // namespace potluck
