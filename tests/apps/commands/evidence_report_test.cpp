// SPDX-License-Identifier: Apache-2.0
#include "apps/commands/evidence_report.h"

#include <gtest/gtest.h>

namespace potluck {
namespace {

using Run = engine::EvidenceProgress::Run;

TEST(EvidenceReportTest, AStageSaysWhereTheEstimateStands) {
  engine::EvidenceProgress progress{.run = Run::kPilot, .repeats = 8, .stage = 12, .beta = 0.03456};
  EXPECT_EQ(progress_text(progress, 0), "pilot, b = 0.0346, stage 12");
  // 100 of 200 stages, 10 a second.
  progress = {.run = Run::kRepeat, .repeat = 3, .repeats = 8, .stage = 4, .beta = 0.5, .done = 100, .total = 200};
  EXPECT_EQ(progress_text(progress, 10), "repeat 3/8, b = 0.5, stage 100/200, 10.0 s left");
  EXPECT_EQ(progress_text(progress, 0), "repeat 3/8, b = 0.5, stage 100/200");
  progress = {.run = Run::kUp, .stage = 4, .beta = 1, .done = 180, .total = 200};
  EXPECT_EQ(progress_text(progress, 10), "bracket from the base up, b = 1, stage 180/200, 2.0 s left");
  progress = {.run = Run::kDown, .stage = 20, .beta = 0.01, .done = 200, .total = 200};
  EXPECT_EQ(progress_text(progress, 10), "bracket from exact draws down, b = 0.01, stage 200/200");
}

}  // namespace
}  // namespace potluck
