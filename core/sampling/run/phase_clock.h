// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>

namespace potluck {

/// The seconds of a phase of a run, those of earlier processes and those of this one.
class PhaseClock {
 public:
  /// From here on this process takes part. @param before seconds of earlier processes
  void begin(double before) {
    before_ = before;
    began_ = Clock::now();
  }
  double before() const { return before_; }
  double seconds() const { return before_ + std::chrono::duration<double>(Clock::now() - began_).count(); }

 private:
  using Clock = std::chrono::steady_clock;
  double before_ = 0;
  Clock::time_point began_ = Clock::now();
};

}  // namespace potluck
