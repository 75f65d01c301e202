// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "core/state_archive.h"

namespace potluck {

/// Climbs a criterion of trajectories in the logarithm of their length by Adam (Kingma & Ba 2015, beta_1 = 0.8 and
/// beta_2 = 0.95, no step above the rate): for hmc ChEES, the mean of (|y - m|^2 - |x - m|^2)^2 / 4 over chains
/// (Hoffman, Radul & Sountsov 2021), per third root of the time.
class TrajectoryTuner {
 public:
  double current() const;
  /// Begins at a length, and has seen nothing.
  void start(double length);
  /// @param slope of the criterion but for a positive factor. Not finite: nothing changes.
  /// There is no least length: step sizes that are only tried, and long, would push it past the first peak.
  void observe(double slope, double most);
  /// The length to keep: the geometric mean of those seen since `average` was first called.
  void average();
  double tuned() const;
  /// The metric changed, and with it what a length means.
  void rescale(double factor);

  /// @throws FileError where what is read is nothing that slopes can have led to.
  void persist(StateArchive& archive);

 private:
  double log_length_ = 0, mean_ = 0, square_ = 0;
  int64_t seen_ = 0;
  double sum_ = 0;
  int64_t summed_ = 0;
};

}  // namespace potluck
