// SPDX-License-Identifier: Apache-2.0
#include "core/sampling/tuning/crossing_watch.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <random>
#include <vector>

namespace potluck {
namespace {

using Found = CrossingWatch::Found;

/// Ladders of four replicas that go round their rungs, one rung a step; a position is what `place` gives for a replica
/// and a step, times the size of its rung.
class CrossingWatchTest : public ::testing::Test {
 protected:
  static constexpr int64_t kReplicas = 4, kSteps = 400;

  Found found(const std::function<double(size_t replica, int64_t step)>& place, int64_t ladders = 16, bool round = true,
              int64_t numbers = 1) {
    CrossingWatch watch(kReplicas, kSteps);
    const auto rows = static_cast<size_t>(ladders * kReplicas);
    std::vector<uint32_t> replica(rows);
    std::vector<uint8_t> frozen(rows, 0);
    for (int64_t step = 0; step < kSteps; ++step) {
      CohortPositions positions;
      positions.position.resize(2);  // the second does not move
      for (size_t row = 0; row < rows; ++row) {
        const size_t rung = row % kReplicas;
        replica[row] = static_cast<uint32_t>((rung + static_cast<size_t>(round ? step : 0)) % kReplicas);
        const size_t who = row / kReplicas * kReplicas + replica[row];
        for (int64_t j = 0; j < numbers; ++j)
          positions.position[0].push_back((j + 1 == numbers ? place(who, step) : normal_(random_)) *
                                          static_cast<double>(rung + 1));
      }
      watch.observe(step, replica, frozen, watch.reads(step) ? &positions : nullptr);
    }
    return watch.judge();
  }

  double noise() { return normal_(random_); }

 private:
  std::mt19937_64 random_{3};
  std::normal_distribution<> normal_;
};

TEST_F(CrossingWatchTest, SeesReplicasThatKeepTheirRegion) {
  const auto stays = [this](size_t replica, int64_t) { return (replica % 3 == 0 ? 5 : -5) + noise(); };
  EXPECT_EQ(found(stays), Found::kStay);
  EXPECT_EQ(found(stays, 16, true, 200), Found::kStay) << "in one of many numbers";
}

TEST_F(CrossingWatchTest, SeesReplicasThatCross) {
  std::vector<int> side(64);
  for (size_t i = 0; i < side.size(); ++i) side[i] = i % 2 == 0 ? 1 : -1;
  // One step of fifteen: a normal is beyond 1.834 so often.
  const auto crosses = [&](size_t replica, int64_t) {
    if (std::fabs(noise()) > 1.834) side[replica] = -side[replica];
    return 5 * side[replica] + noise();
  };
  EXPECT_EQ(found(crosses), Found::kCross);
}

// Autocorrelation times of a tenth of the window, of the window and of ten windows.
TEST_F(CrossingWatchTest, TakesSlowMovesWithinARegionForNoBarrier) {
  for (const double time : {40.0, 400.0, 4000.0}) {
    std::vector<double> x(256);
    for (double& one : x) one = noise();
    const double kept = std::exp(-1 / time);
    const auto slow = [&](size_t replica, int64_t) {
      return x[replica] = kept * x[replica] + std::sqrt(1 - kept * kept) * noise();
    };
    EXPECT_EQ(found(slow, 64), time < 100 ? Found::kCross : Found::kSlow) << time;
  }
}

TEST_F(CrossingWatchTest, DoesNotKnowOfReplicasThatAreNeverAtTheHottestRung) {
  const auto stays = [this](size_t replica, int64_t) { return (replica / 4 % 2 == 0 ? 5 : -5) + noise(); };
  EXPECT_EQ(found(stays, 16, false), Found::kStay) << "those at the hottest rung are compared, sixteen of them";
  EXPECT_EQ(found(stays, 15, false), Found::kUnknown);
  EXPECT_EQ(found(stays, 3), Found::kUnknown) << "three ladders do not tell the mean of a rung";
}

TEST_F(CrossingWatchTest, JudgesTheSameFromASavedState) {
  const auto feed = [](CrossingWatch& watch, int64_t from, int64_t to) {
    std::vector<uint32_t> replica(64);
    for (int64_t step = from; step < to; ++step) {
      CohortPositions positions;
      positions.position.resize(1);
      for (size_t row = 0; row < 64; ++row) {
        replica[row] = static_cast<uint32_t>((row + static_cast<size_t>(step)) % 4);
        const size_t who = row / 4 * 4 + replica[row];
        positions.position[0].push_back((who % 3 == 0 ? 5 : -5) + std::sin(static_cast<double>(who) + step));
      }
      watch.observe(step, replica, std::vector<uint8_t>(64, 0), watch.reads(step) ? &positions : nullptr);
    }
  };
  CrossingWatch first(4, 40), second(4, 40);
  feed(first, 0, 17);
  StateArchive saved;
  first.persist(saved);
  const std::vector<std::byte> bytes = saved.take();
  StateArchive archive(bytes);
  second.persist(archive);
  feed(second, 17, 40);
  EXPECT_EQ(second.judge(), Found::kStay);
  feed(first, 17, 40);
  EXPECT_EQ(first.judge(), Found::kStay);
}

TEST_F(CrossingWatchTest, RefusesASavedWindowThatNoReplicasCanHaveShown) {
  // Of one ladder of two replicas and a number that is watched: sums in four quarters, who froze, steps at the hottest.
  const auto said = [](std::vector<double> places, std::vector<uint8_t> lost, std::vector<int64_t> at_hottest) {
    StateArchive saved;
    saved(places, lost, at_hottest);
    const std::vector<std::byte> bytes = saved.take();
    StateArchive archive(bytes);
    CrossingWatch watch(2, 40);
    try {
      watch.persist(archive);
    } catch (const FileError& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  const std::string refused = "a saved state must fit its run, got other replicas that are watched. Start the run anew";
  EXPECT_EQ(said({1, 2, 3, 4, 5, 6, 7, 8}, {0, 1}, {0, 40}), "");
  EXPECT_EQ(said({1, 2, 3, 4, 5, 6, 7, std::nan("")}, {0, 1}, {0, 40}), refused);
  EXPECT_EQ(said({1, 2, 3, 4, 5, 6, 7, INFINITY}, {0, 1}, {0, 40}), refused);
  EXPECT_EQ(said({1, 2, 3, 4, 5, 6, 7, 8}, {0, 1}, {0, 41}), refused);
  EXPECT_EQ(said({1, 2, 3, 4, 5, 6, 7, 8}, {0, 1}, {-1, 40}), refused);
  EXPECT_EQ(said({1, 2, 3, 4, 5, 6, 7}, {0, 1}, {0, 40}), refused);
  EXPECT_EQ(said({1, 2, 3, 4, 5, 6, 7, 8}, {0, 1}, {0}), refused);
  EXPECT_EQ(said({}, {0}, {0}), refused);
}

}  // namespace
}  // namespace potluck
