// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "core/sampling/state_archive.h"

namespace potluck {

/// Climbs the ChEES criterion per time spent, the mean of (|y - m|^2 - |x - m|^2)^2 / 4 over chains divided by the
/// trajectory length, in the logarithm of that length, by Adam (Hoffman, Radul & Sountsov 2021; Kingma & Ba 2015 with
/// beta_1 = 0).
class TrajectoryTuner {
 public:
  double current() const;
  /// Begins at a length.
  void start(double length);
  /// @param slope of the criterion, its mean over chains weighted by acceptance. Not finite: nothing changes.
  void observe(double slope, double least, double most);
  /// The length to keep: the geometric mean of those seen since `average` was first called.
  void average();
  double tuned() const;
  /// The metric changed, and with it what a length means.
  void rescale(double factor);

  void persist(StateArchive& archive) { archive(log_length_, square_, seen_, sum_, summed_); }

 private:
  double log_length_ = 0, square_ = 0;
  int64_t seen_ = 0;
  double sum_ = 0;
  int64_t summed_ = 0;
};

}  // namespace potluck
