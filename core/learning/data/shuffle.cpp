// SPDX-License-Identifier: Apache-2.0
#include "core/learning/data/shuffle.h"

#include <algorithm>
#include <utility>

namespace potluck {

std::vector<int64_t> shuffled(int64_t count, const NoiseAddress& address) {
  std::vector<std::pair<uint64_t, int64_t>> keyed(static_cast<size_t>(count));
  for (int64_t i = 0; i < count; ++i) {
    const PhiloxWords words = philox_words(address, static_cast<uint32_t>(i / 2));
    const size_t low = 2 * static_cast<size_t>(i % 2);
    keyed[static_cast<size_t>(i)] = {static_cast<uint64_t>(words.word[low + 1]) << 32 | words.word[low], i};
  }
  std::sort(keyed.begin(), keyed.end());
  std::vector<int64_t> order;
  order.reserve(keyed.size());
  for (const auto& [key, i] : keyed) order.push_back(i);
  return order;
}

EpochOrders::Order EpochOrders::of(int64_t epoch) const {
  constexpr size_t kKept = 2;  // a batch mostly lies in one epoch, or begins in one and ends in the next
  const std::lock_guard lock(mutex_);
  const auto found =
      std::find_if(latest_.begin(), latest_.end(), [epoch](const Known& one) { return one.epoch == epoch; });
  if (found != latest_.end()) {
    std::rotate(found, found + 1, latest_.end());
    return latest_.back().order;
  }
  NoiseAddress address;
  address.seed = seed_;
  address.step = static_cast<uint32_t>(epoch);
  address.purpose = Purpose::kShuffle;
  if (latest_.size() == kKept) latest_.erase(latest_.begin());
  latest_.push_back({epoch, std::make_shared<const std::vector<int64_t>>(shuffled(count_, address))});
  return latest_.back().order;
}

}  // namespace potluck
