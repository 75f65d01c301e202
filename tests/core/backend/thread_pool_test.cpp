// SPDX-License-Identifier: Apache-2.0
#include "core/backend/thread_pool.h"

#include <gtest/gtest.h>

#include <chrono>
#include <stdexcept>

namespace potluck {
namespace {

// Rounds that follow each other find the workers awake, those after a pause asleep.
TEST(ThreadPoolTest, DoesEveryPieceOnceWhetherWorkersAreAwakeOrAsleep) {
  for (const int workers : {1, 2, 5}) {
    ThreadPool pool(workers);
    std::vector<std::atomic<int>> done(37);
    for (int round = 1; round <= 100; ++round) {
      if (round % 25 == 0) std::this_thread::sleep_for(std::chrono::milliseconds(2));
      pool.run(37, [&](int64_t piece, int worker) {
        ASSERT_LT(worker, workers);
        ++done[static_cast<size_t>(piece)];
      });
      for (const std::atomic<int>& count : done) ASSERT_EQ(count, round);
    }
  }
}

TEST(ThreadPoolTest, DoesASinglePieceInTheThreadThatCalls) {
  ThreadPool pool(3);
  for (int round = 0; round < 20; ++round) {
    std::thread::id thread;
    pool.run(1, [&](int64_t, int worker) {
      EXPECT_EQ(worker, 0);
      thread = std::this_thread::get_id();
    });
    EXPECT_EQ(thread, std::this_thread::get_id());
    pool.run(8, [](int64_t, int) {});
  }
}

TEST(ThreadPoolTest, ThrowsTheFirstFailureAndWorksOn) {
  ThreadPool pool(3);
  for (int round = 0; round < 20; ++round) {
    EXPECT_THROW(pool.run(50,
                          [](int64_t piece, int) {
                            if (piece % 7 == 3) throw std::runtime_error("a piece failed");
                          }),
                 std::runtime_error);
    std::atomic<int> done{0};
    pool.run(50, [&](int64_t, int) { ++done; });
    EXPECT_EQ(done, 50);
  }
}

}  // namespace
}  // namespace potluck
