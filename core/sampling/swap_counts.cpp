// SPDX-License-Identifier: Apache-2.0
#include "core/sampling/swap_counts.h"

namespace potluck {

void SwapCounts::add(const OwnChains& own) {
  const auto pairs = static_cast<size_t>(own.replicas() - 1);
  attempts_.resize(pairs);
  acceptance_.resize(pairs);
  for (int64_t i = 0; i < own.count() && pairs > 0; ++i) {
    round_trips_ += own.rows().round_trips[own.row(i)];
    for (size_t pair = 0; pair < pairs; ++pair) {
      attempts_[pair] += own.rows().swap_attempts[own.row(i) + static_cast<int64_t>(pair)];
      acceptance_[pair] += own.rows().swap_acceptance[own.row(i) + static_cast<int64_t>(pair)];
    }
  }
}

SwapSummary SwapCounts::summary(const std::vector<double>& temperature, int64_t chains, int64_t steps) const {
  SwapSummary swaps;
  swaps.temperature = temperature;
  swaps.attempts = attempts_;
  for (size_t pair = 0; pair < attempts_.size(); ++pair) {
    swaps.rate.push_back(acceptance_[pair] / static_cast<double>(attempts_[pair]));
    swaps.barrier += 1 - swaps.rate.back();
  }
  swaps.round_trips = static_cast<double>(round_trips_) / static_cast<double>(chains * steps);
  return swaps;
}

}  // namespace potluck
