// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace potluck {

/// When a training ends: behind so many updates, or so many seconds of training, whichever comes first. 0: no bound.
struct Budget {
  int64_t updates = 0;
  double seconds = 0;

  /// The share that is used up, 0 ... 1.
  double used(int64_t updates_done, double seconds_done) const;
};

/// The step size of an optimiser over the budget: it rises linearly during the first updates, and then falls.
struct LearningRate {
  enum class Decay : uint8_t {
    kNone,
    kLinear,  ///< to 0 at the end of the budget
    kCosine   ///< likewise, as (1 + cos(pi used)) / 2 (Loshchilov & Hutter 2017, equation 5 without restarts)
  };
  double rate = 1e-3;
  int64_t warm_up = 100;  ///< updates
  Decay decay = Decay::kCosine;

  /// @param used  of the budget, 0 ... 1
  double at(int64_t update, double used) const;
};

}  // namespace potluck
