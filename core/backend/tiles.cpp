// SPDX-License-Identifier: Apache-2.0
#include "core/backend/tiles.h"

#include <algorithm>
#include <bit>

namespace potluck {

namespace {

// Measured: docs/decisions/0005-tiles-and-buffers.md.
constexpr int64_t kFilledRows = 32;
constexpr int64_t kLeastRows = 16;
constexpr int64_t kTilesToShare = 8;
constexpr int64_t kNumbersInCache = 16384;  ///< of a tile: positions, gradients and proposals stay in a cache of 1 MiB

int64_t power_of_two_below(int64_t number) {
  return static_cast<int64_t>(std::bit_floor(static_cast<uint64_t>(std::max<int64_t>(number, 1))));
}

int64_t whole_ladders(int64_t rows, int64_t ladder) { return std::max<int64_t>(rows / ladder, 1) * ladder; }

int64_t continuous_numbers(const std::vector<Variable>& variables) {
  int64_t numbers = 0;
  for (const Variable& variable : variables) {
    if (!variable.categorical()) numbers += variable.size();
  }
  return numbers;
}

/// Where the run has chains for any number of tiles.
int64_t best_rows(const Energy& energy) {
  if (energy.preferred_rows() > 0) return std::min(energy.preferred_rows(), kMostTileRows);
  const int64_t fitting =
      power_of_two_below(kNumbersInCache / std::max<int64_t>(1, continuous_numbers(energy.variables())));
  return std::clamp<int64_t>(fitting, 64, kMostTileRows);
}

}  // namespace

int64_t filled_tile_rows(const Energy& energy, int64_t ladder) {
  const int64_t wish = energy.preferred_rows();
  return whole_ladders(wish > 0 ? std::min(wish, kMostTileRows) : kFilledRows, ladder);
}

Tiles::Tiles(const Energy& energy, int64_t chains, int64_t cohort, int64_t ladder)
    : chains_(chains), cohort_(std::min(chains, cohort)), filled_(!energy.batch_invariant()) {
  if (filled_) {
    rows_ = filled_tile_rows(energy, ladder);
  } else {
    const int64_t best = best_rows(energy);
    const int64_t shared = std::max(power_of_two_below(chains / kTilesToShare), std::min(kLeastRows, best));
    rows_ = whole_ladders(std::min(best, shared), ladder);
  }
  cohort_tiles_ = tiles_of(cohort_);
}

int64_t Tiles::first(int64_t tile) const {
  return tile < cohort_tiles_ ? tile * rows_ : cohort_ + (tile - cohort_tiles_) * rows_;
}

int64_t Tiles::chains(int64_t tile) const {
  return std::min(rows_, (tile < cohort_tiles_ ? cohort_ : chains_) - first(tile));
}

int64_t Tiles::rows(int64_t tile) const { return filled_ ? rows_ : chains(tile); }

int64_t Tiles::tile_of(int64_t chain) const {
  return chain < cohort_ ? chain / rows_ : cohort_tiles_ + (chain - cohort_) / rows_;
}

int64_t most_rows_of_run(const Device& device, int64_t chains, int64_t replicas) {
  return device.kind == Device::Kind::kCpu ? kMostTileRows : chains * replicas;
}

int workers_of_run(const Device& device, int64_t chains, int threads) {
  if (device.kind != Device::Kind::kCpu) return 1;
  return static_cast<int>(std::clamp<int64_t>(threads, 1, std::max<int64_t>(chains, 1) + 1));
}

}  // namespace potluck
