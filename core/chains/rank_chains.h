// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include "core/chains/chains.h"

namespace potluck {

/// The chains that this process records, among all rows that it moves: a rank's own beside the cohort that it
/// recomputes, and of a ladder the coldest replica.
class RankChains {
 public:
  /// @param chains    outlives this
  /// @param first     the row of the first of them
  /// @param replicas  rows of a chain
  RankChains(Chains& chains, int64_t first, int64_t count, int64_t replicas, size_t experts)
      : chains_(chains), first_(first), count_(count), replicas_(replicas), experts_(experts) {}

  int64_t count() const { return count_; }
  int64_t replicas() const { return replicas_; }
  /// The row of the i-th of them.
  int64_t row(int64_t i) const { return first_ + i * replicas_; }

  /// Reads all rows from the device.
  void read();
  void read_gradients();

  /// Of them alone, [count], as last read.
  const ChainsState& state() const { return own_; }
  /// Of all rows, as last read; where all rows are recorded their arrays may have gone to state(), but for those of
  /// ladders.
  const ChainsState& rows() const { return rows_; }

 private:
  template <class T>
  void keep(std::vector<T>& from, std::vector<T>& to, size_t width = 1) const;

  Chains& chains_;
  int64_t first_, count_, replicas_;
  size_t experts_;
  ChainsState rows_, own_;
};

}  // namespace potluck
