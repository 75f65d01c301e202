// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include "core/backend/thread_pool.h"
#include "core/comparison/rows.h"

namespace potluck {

/// The Euclidean distances of all pairs of rows: computed once in float64, kept in float32, [N, N], 4 N^2 bytes.
/// The bits do not depend on the number of threads.
class PairDistances {
 public:
  PairDistances(const Rows& rows, ThreadPool& threads);

  int64_t count() const { return count_; }
  /// Those of row i to all rows, [N]; 0 to itself.
  const float* row(int64_t i) const { return distances_.data() + i * count_; }
  /// The median of the distances that are not 0, which are those of rows that differ. 1 where all rows are the same.
  double median() const;

 private:
  int64_t count_;
  std::vector<float> distances_;
};

}  // namespace potluck
