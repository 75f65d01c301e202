// SPDX-License-Identifier: Apache-2.0
#include "apps/terminal/progress_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "compose/engine/told.h"

namespace potluck {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

Progress progress_at(int64_t done) {
  Progress progress;
  progress.done = done;
  progress.total = 2000;
  progress.acceptance = 0.574;
  progress.seconds = progress.seconds_here = 0.5;
  progress.done_here = done;
  progress.chains = 64;
  progress.gradients_here = 64.0 * static_cast<double>(done);
  return progress;
}

std::string progress_text(const Progress& progress) { return potluck::progress_text(engine::told(progress)); }

// Trajectories of 4 leapfrogs so far and of 16 from now on.
Progress growing_trajectories() {
  Progress progress = progress_at(400);
  progress.leapfrogs = true;
  progress.gradients_here *= 4;
  progress.gradients_a_step = 16;
  return progress;
}

// What a report in this style wrote of 1000 calls and the end of a phase.
std::string written(ProgressReport::Style style) {
  std::FILE* file = std::tmpfile();
  {
    ProgressReport report(file, style);
    for (int64_t step = 1; step <= 1000; ++step) report.progressed(engine::told(progress_at(step)));
    report.progressed(engine::told(progress_at(2000)));
  }
  std::string text(static_cast<size_t>(std::ftell(file)), '\0');
  std::rewind(file);
  EXPECT_EQ(std::fread(text.data(), 1, text.size(), file), text.size());
  std::fclose(file);
  return text;
}

TEST(ProgressReportTest, DurationsAreWrittenAsPeopleSayThem) {
  EXPECT_EQ(duration_text(1.44), "1.4 s");
  EXPECT_EQ(duration_text(59.97), "1 min 00 s");
  EXPECT_EQ(duration_text(185), "3 min 05 s");
  EXPECT_EQ(duration_text(7810), "2 h 10 min");
  EXPECT_EQ(duration_text(std::nan("")), "unknown time");
}

TEST(ProgressReportTest, ALineHasStepsRateTimeLeftAndAcceptance) {
  // 400 steps in 0.5 s are 800 a second; 1600 more take 2 s.
  EXPECT_EQ(progress_text(progress_at(400)), "sampling 400/2000 steps, 800 steps/s, 2.0 s left, acceptance 0.57");
}

// 64 chains made 400 * 4 * 64 gradients in .5 s, 204800 a second; 1600 steps of 16 leapfrogs, 1638400 gradients, take
// 8 s. At the rate of steps it would be 2 s.
TEST(ProgressReportTest, TrajectoriesAreForecastInGradients) {
  EXPECT_EQ(progress_text(growing_trajectories()),
            "sampling 400/2000 steps, 800 steps/s, 8.0 s left, acceptance 0.57, 16.0 leapfrogs a step, "
            "205 thousand gradients/s");
}

TEST(ProgressReportTest, StepsOfSeveralGradientsThatAreNoTrajectorySaySo) {
  Progress progress = growing_trajectories();
  progress.leapfrogs = false;
  progress.gradients_a_step = 4;
  progress.chains *= 10000;
  progress.gradients_here *= 10000;
  EXPECT_EQ(progress_text(progress),
            "sampling 400/2000 steps, 800 steps/s, 2.0 s left, acceptance 0.57, 4.0 gradients a step, "
            "2.05 billion gradients/s");
}

// Another process did 1500 steps in 100 s. This one did 100 in half a second: 200 a second, 2 s for 400 more.
TEST(ProgressReportTest, AResumedRunHasTheRateOfThisProcess) {
  Progress progress = progress_at(100);
  progress.done += 1500;
  progress.seconds += 100;
  EXPECT_EQ(progress_text(progress), "sampling 1600/2000 steps, 200 steps/s, 2.0 s left, acceptance 0.57");
}

TEST(ProgressReportTest, WhereNothingWasDoneHereThereIsNoRate) {
  Progress progress = progress_at(0);
  progress.done = 1500;
  EXPECT_EQ(progress_text(progress), "sampling 1500/2000 steps, acceptance 0.57");
}

TEST(ProgressReportTest, AnUnknownAcceptanceIsLeftOut) {
  Progress progress = progress_at(2000);
  progress.acceptance = std::nan("");
  EXPECT_EQ(progress_text(progress), "sampling 2000/2000 steps, 4000 steps/s");
}

TEST(ProgressReportTest, FrozenChainsAreShown) {
  Progress progress = progress_at(2000);
  progress.warmup = true;
  progress.frozen = 3;
  EXPECT_EQ(progress_text(progress), "warm-up 2000/2000 steps, 4000 steps/s, acceptance 0.57, 3 chains frozen");
}

TEST(ProgressReportTest, WithoutATerminalOnlyTheEndOfAPhaseIsSureToBeALine) {
  const std::string text = written(ProgressReport::Style::kLines);
  EXPECT_EQ(text, progress_text(progress_at(2000)) + "\n");
}

TEST(ProgressReportTest, ABarIsRedrawnInPlaceAndGoneAtTheEnd) {
  const std::string text = written(ProgressReport::Style::kBar);
  EXPECT_THAT(text, HasSubstr("=====] sampling 2000/2000 steps"));
  EXPECT_THAT(text, Not(HasSubstr("\n")));
  EXPECT_THAT(text, EndsWith("\r\x1b[K"));
  // Far fewer redraws than calls: the first, the last, and one each tenth of a second.
  EXPECT_LT(std::count(text.begin(), text.end(), '\r'), 100);
}

TEST(ProgressReportTest, WhatHasNoShareHasNoBar) {
  std::FILE* file = std::tmpfile();
  {
    ProgressReport report(file, ProgressReport::Style::kBar);
    report.show("pilot, stage 3", std::nan(""), false);
  }
  char text[100] = {};
  std::rewind(file);
  EXPECT_GT(std::fread(text, 1, sizeof text - 1, file), 0u);
  std::fclose(file);
  EXPECT_STREQ(text, "pilot, stage 3\r\x1b[K");
}

TEST(ProgressReportTest, QuietMeansNothing) { EXPECT_EQ(written(ProgressReport::Style::kQuiet), ""); }

}  // namespace
}  // namespace potluck
