// SPDX-License-Identifier: Apache-2.0
#include "core/learning/divergence_watch.h"

#include <gtest/gtest.h>

#include <cmath>

namespace potluck {
namespace {

using Verdict = DivergenceWatch::Verdict;

TEST(DivergenceWatchTest, ThreeReportsInARowBeyondAHundredTimesTheBestEndATraining) {
  DivergenceWatch watch;
  EXPECT_EQ(watch.judge(2, true), Verdict::kGood);
  EXPECT_EQ(watch.judge(0.5, true), Verdict::kGood);
  EXPECT_EQ(watch.judge(49, true), Verdict::kGood);
  EXPECT_EQ(watch.judge(51, true), Verdict::kDoubtful);
  EXPECT_EQ(watch.judge(51, true), Verdict::kDoubtful);
  EXPECT_EQ(watch.judge(0.6, true), Verdict::kGood);  // counts anew
  for (int report = 0; report < 2; ++report) EXPECT_EQ(watch.judge(60, true), Verdict::kDoubtful);
  EXPECT_EQ(watch.judge(60, true), Verdict::kDiverged);
  EXPECT_EQ(watch.best(), 0.5);
}

TEST(DivergenceWatchTest, ALossThatIsNoNumberEndsItAtOnce) {
  DivergenceWatch watch;
  EXPECT_EQ(watch.judge(std::nan(""), true), Verdict::kDiverged);
  EXPECT_EQ(watch.judge(INFINITY, false), Verdict::kDiverged);
}

TEST(DivergenceWatchTest, ADifferenceOfEnergiesMayGrow) {
  DivergenceWatch watch;
  for (const double loss : {1e-6, -3.0, 50.0, 50.0, 50.0, 50.0}) EXPECT_EQ(watch.judge(loss, false), Verdict::kGood);
}

TEST(DivergenceWatchTest, GoesOnCountingBehindACheckpoint) {
  DivergenceWatch watch, restored;
  watch.judge(1, true);
  watch.judge(200, true);
  watch.judge(200, true);
  StateArchive saved;
  watch.persist(saved);
  const auto bytes = saved.take();
  StateArchive read(bytes);
  restored.persist(read);
  EXPECT_EQ(restored.judge(200, true), Verdict::kDiverged);
}

}  // namespace
}  // namespace potluck
