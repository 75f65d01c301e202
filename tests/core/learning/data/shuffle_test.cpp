// SPDX-License-Identifier: Apache-2.0
#include "core/learning/data/shuffle.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <thread>

namespace potluck {
namespace {

NoiseAddress epoch_address(uint32_t seed, uint32_t epoch) {
  NoiseAddress address;
  address.seed = seed;
  address.step = epoch;
  address.purpose = Purpose::kShuffle;
  return address;
}

/// How far the frequencies of the 120 orders of 5 rows are from equal ones, in standard deviations of chi-square.
template <class Shuffle>
double excess(const Shuffle& shuffle) {
  constexpr uint32_t kEpochs = 60000;
  constexpr double kOrders = 120, kExpected = kEpochs / kOrders, kFreedom = kOrders - 1;
  std::map<std::vector<int64_t>, double> counts;
  for (uint32_t epoch = 0; epoch < kEpochs; ++epoch) ++counts[shuffle(epoch)];
  double chi_square = (kOrders - static_cast<double>(counts.size())) * kExpected;
  for (const auto& [order, count] : counts) chi_square += (count - kExpected) * (count - kExpected) / kExpected;
  return std::abs(chi_square - kFreedom) / std::sqrt(2 * kFreedom);
}

/// Swaps each row with any other: 5^5 = 3125 equally likely ways, which 120 orders cannot share equally.
std::vector<int64_t> biased(uint32_t epoch) {
  std::vector<int64_t> order(5);
  std::iota(order.begin(), order.end(), 0);
  double u[5];
  uniforms(epoch_address(7, epoch), 5, u);
  for (size_t i = 0; i < 5; ++i) std::swap(order[i], order[static_cast<size_t>(5 * u[i])]);
  return order;
}

TEST(ShuffleTest, EveryOrderIsEquallyLikely) {
  const EpochOrders orders(5, 7);
  EXPECT_LT(excess([&](uint32_t epoch) { return *orders.of(epoch); }), 6);
  EXPECT_GT(excess(biased), 6);  // the same check sees a shuffle that is nearly right
}

TEST(ShuffleTest, HasEveryRowOnce) {
  for (const int64_t count : {1, 2, 3, 1000}) {
    std::vector<int64_t> order = shuffled(count, epoch_address(1, 0));
    std::sort(order.begin(), order.end());
    std::vector<int64_t> all(static_cast<size_t>(count));
    std::iota(all.begin(), all.end(), 0);
    EXPECT_EQ(order, all);
  }
}

TEST(ShuffleTest, EpochsAndSeedsHaveOrdersOfTheirOwn) {
  const EpochOrders orders(100, 3), again(100, 3), other(100, 4);
  EXPECT_NE(*orders.of(0), *orders.of(1));
  EXPECT_NE(*orders.of(0), *other.of(0));
  again.of(5);  // what was asked before changes nothing
  again.of(2);
  for (const int64_t epoch : {0, 1, 0, 2, 5, 1}) EXPECT_EQ(*orders.of(epoch), *again.of(epoch));
}

TEST(ShuffleTest, ManyThreadsMayAskAtOnce) {
  const EpochOrders orders(1000, 3);
  std::vector<std::thread> threads;
  std::vector<int> wrong(4, 0);
  for (size_t t = 0; t < wrong.size(); ++t)
    threads.emplace_back([&, t] {
      for (uint32_t epoch = 0; epoch < 20; ++epoch)
        wrong[t] += *orders.of((epoch + static_cast<uint32_t>(t)) % 5) !=
                    shuffled(1000, epoch_address(3, (epoch + static_cast<uint32_t>(t)) % 5));
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, std::vector<int>(4, 0));
}

}  // namespace
}  // namespace potluck
