// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include "core/learning/learnable.h"
#include "core/state_archive.h"

namespace potluck {

/// The exponential average of learned arrays over the updates, in double: a <- d a + (1 - d) p. Early on d is
/// min(decay, (1 + t) / (10 + t)) at update t, so that the beginning is forgotten soon.
class WeightAverage {
 public:
  /// @param decay  0: no average, the arrays as they are
  WeightAverage(const Learnable& learnable, double decay);

  /// Takes in the arrays as they stand behind an update.
  void add(const Learnable& learnable);
  /// Exchanges the arrays and the average. Twice: all is as it was.
  void exchange(Learnable& learnable);

  void persist(StateArchive& archive) { archive(count_, values_); }

 private:
  double decay_;
  int64_t count_ = 0;
  std::vector<std::vector<double>> values_;  ///< [arrays], empty where they are not learned
};

}  // namespace potluck
