// SPDX-License-Identifier: Apache-2.0
#include "core/sampling/run/swap_counts.h"

#include <algorithm>
#include <cmath>

namespace potluck {

void SwapCounts::add(const RankChains& own) {
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
  if (pairs > 0) add_hottest(own);
}

// Welford.
void SwapCounts::add_hottest(const RankChains& own) {
  mean_.resize(static_cast<size_t>(own.count()));
  squares_.resize(mean_.size());
  ++draws_;
  for (int64_t i = 0; i < own.count(); ++i) {
    const auto row = static_cast<size_t>(own.row(i) + own.replicas() - 1), ladder = static_cast<size_t>(i);
    const double energy = own.rows().frozen[row] ? std::nan("") : own.rows().energy[row];
    const double apart = energy - mean_[ladder];
    mean_[ladder] += apart / static_cast<double>(draws_);
    squares_[ladder] += apart * (energy - mean_[ladder]);
  }
}

double LadderEnergies::rhat() const {
  if (ladders < 2 || draws < 2 || !(within > 0)) return std::nan("");
  const auto n = static_cast<double>(draws);
  return std::sqrt((n - 1) / n + between / static_cast<double>(ladders - 1) / within);
}

SwapSummary SwapCounts::summary(const std::vector<double>& temperature, int64_t chains, int64_t steps) const {
  SwapSummary swaps;
  swaps.temperature = temperature;
  swaps.attempts = attempts_;
  for (size_t pair = 0; pair < attempts_.size(); ++pair) {
    swaps.rate.push_back(acceptance_[pair] / static_cast<double>(attempts_[pair]));
    swaps.barrier += 1 - swaps.rate.back();
  }
  swaps.round_trips = static_cast<double>(round_trips_) / (static_cast<double>(chains) * static_cast<double>(steps));
  LadderEnergies& hottest = swaps.hottest;
  hottest.draws = draws_;
  for (size_t ladder = 0; ladder < mean_.size() && draws_ > 1; ++ladder) {
    if (!std::isfinite(squares_[ladder])) continue;
    ++hottest.ladders;
    const auto count = static_cast<double>(hottest.ladders);
    const double apart = mean_[ladder] - hottest.mean;
    hottest.mean += apart / count;
    hottest.between += apart * (mean_[ladder] - hottest.mean);
    hottest.within += (squares_[ladder] / static_cast<double>(draws_ - 1) - hottest.within) / count;
  }
  return swaps;
}

void SwapCounts::persist(StateArchive& archive, size_t pairs, size_t ladders) {
  archive(attempts_, acceptance_, round_trips_, draws_, mean_, squares_);
  archive.demand((attempts_.empty() || attempts_.size() == pairs) && acceptance_.size() == attempts_.size() &&
                     (mean_.empty() || mean_.size() == ladders) && squares_.size() == mean_.size(),
                 "numbers of pairs");
  bool sums = StateArchive::counted(round_trips_) && StateArchive::counted(draws_);
  for (size_t pair = 0; sums && pair < attempts_.size(); ++pair) {
    // Of energies that are no numbers it is a NaN.
    const bool outside = acceptance_[pair] < 0 || acceptance_[pair] > static_cast<double>(attempts_[pair]);
    sums = StateArchive::counted(attempts_[pair]) && !outside;
  }
  archive.demand(sums, "counts of swaps");
}

}  // namespace potluck
