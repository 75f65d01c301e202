// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace potluck {

/// Rows that are compared with others: independent draws of one law, as far as a test of them is to hold.
struct Rows {
  int64_t size = 0;            ///< D, numbers of a row
  std::vector<double> values;  ///< [count, D], finite

  int64_t count() const { return size > 0 ? static_cast<int64_t>(values.size()) / size : 0; }
  const double* row(int64_t i) const { return values.data() + i * size; }
};

/// Those of `first`, and behind them those of `second`. Both have rows of one size.
inline Rows pooled(const Rows& first, const Rows& second) {
  Rows both = first;
  both.values.insert(both.values.end(), second.values.begin(), second.values.end());
  return both;
}

}  // namespace potluck
