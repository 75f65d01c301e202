// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/files/run/draws.h"

namespace potluck {

/// How often each element of a categorical variable had each label.
class LabelCounts {
 public:
  explicit LabelCounts(const RecordedVariable& variable)
      : categories_(variable.categories), times_(static_cast<size_t>(variable.size() * variable.categories)) {}

  /// @param labels [n] of one chain in one draw
  void add(const int64_t* labels) {
    ++draws_;
    for (size_t i = 0; i * static_cast<size_t>(categories_) < times_.size(); ++i)
      ++times_[i * static_cast<size_t>(categories_) + static_cast<size_t>(labels[i])];
  }
  /// Of the indicator of a label. @param place in [n, K]
  double frequency(int64_t place) const {
    return static_cast<double>(times_[static_cast<size_t>(place)]) / static_cast<double>(draws_);
  }
  double sd(int64_t place) const {
    const double share = frequency(place), draws = static_cast<double>(draws_);
    return std::sqrt(share * (1 - share) * draws / (draws - 1));
  }

 private:
  int64_t categories_;
  int64_t draws_ = 0;
  std::vector<int64_t> times_;  ///< [n, K]
};

}  // namespace potluck
