// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "core/random/philox.h"

namespace potluck {

/// The numbers 0 ... count - 1 in a random order, each order equally likely: sorted by 64-bit keys, of which row i has
/// words 2 (i % 2) (low half) and 2 (i % 2) + 1 (high half) of block i / 2 at `address`; equal keys by their number.
std::vector<int64_t> shuffled(int64_t count, const NoiseAddress& address);

/// A new order for every epoch. The latest few are kept. Any thread may ask.
class EpochOrders {
 public:
  using Order = std::shared_ptr<const std::vector<int64_t>>;

  EpochOrders(int64_t count, uint32_t seed) : count_(count), seed_(seed) {}
  Order of(int64_t epoch) const;

 private:
  struct Known {
    int64_t epoch;
    Order order;
  };
  const int64_t count_;
  const uint32_t seed_;
  mutable std::mutex mutex_;
  mutable std::vector<Known> latest_;  ///< the one asked for last stands last
};

}  // namespace potluck
