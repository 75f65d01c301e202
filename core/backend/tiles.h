// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "core/energy/energy.h"

namespace potluck {

/// No tile on the CPU has more rows, so that a cohort of 256 is whole tiles: what an energy there must be made for
/// (Energy::most_rows). A ladder stays in one tile.
inline constexpr int64_t kMostTileRows = 256;

/// How the chains of the CPU are cut into tiles. A thread takes a tile through its steps, one evaluation of all its
/// rows after the other. Tiles are whole ladders. The cohort is cut first, then what is behind it, so that no tile has
/// chains of both.
///
/// Where an energy is batch invariant, the tiles fit the run: at least eight of 16 chains or more where there are as
/// many, and the last one has as many rows as are left. Elsewhere bits may depend on the size of the batch. All tiles
/// of all runs then have one size, and the last one is filled up with copies of its first ladder.
/// docs/decisions/0005-tiles-and-buffers.md.
class Tiles {
 public:
  /// @param chains rows in all, a multiple of `ladder`, which is at most kMostTileRows
  Tiles(const Energy& energy, int64_t chains, int64_t cohort, int64_t ladder);

  int64_t count() const { return cohort_tiles_ + tiles_of(chains_ - cohort_); }
  int64_t in_cohort() const { return cohort_tiles_; }  ///< tiles; the first ones
  int64_t cohort_chains() const { return cohort_; }
  int64_t most_rows() const { return rows_; }

  int64_t first(int64_t tile) const;   ///< chain
  int64_t chains(int64_t tile) const;  ///< that count
  int64_t rows(int64_t tile) const;    ///< that are evaluated
  int64_t tile_of(int64_t chain) const;

 private:
  int64_t tiles_of(int64_t chains) const { return (chains + rows_ - 1) / rows_; }

  int64_t chains_, cohort_, rows_ = 0, cohort_tiles_ = 0;
  bool filled_;
};

/// Rows of the tiles of an energy that is not batch invariant. Between its multiples a run may be split.
int64_t filled_tile_rows(const Energy& energy, int64_t ladder);

/// How many rows the energy of a run must be made for (`Energy::most_rows`): the largest tile on the CPU, all chains
/// with all their replicas on CUDA.
int64_t most_rows_of_run(const Device& device, int64_t chains, int64_t replicas = 1);

/// How many workers may evaluate the energy of a run at once, before it is known how its chains are cut: no more than
/// `threads`, and on the CPU one for each chain, and one that stores draws beside them.
int workers_of_run(const Device& device, int64_t chains, int threads);

}  // namespace potluck
