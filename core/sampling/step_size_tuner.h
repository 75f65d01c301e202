// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace potluck {

/// Finds the step size whose mean acceptance probability is the wanted one (Robbins & Monro 1951 on log step size, with
/// Polyak-Ruppert averaging over the second half). One observation a step: the mean over a cohort of chains, so that
/// the noise of single decisions is small and large first moves are safe.
class StepSizeTuner {
 public:
  /// @param steps how many observations will come, > 0.
  /// @param most  bound of the step size, for targets that accept everything.
  StepSizeTuner(double first, double wanted_acceptance, int64_t steps, double most);

  /// The step size to try next.
  double current() const;
  void observe(double mean_acceptance);
  /// The step size to keep.
  double tuned() const;

 private:
  double wanted_;
  int64_t steps_;
  int64_t seen_ = 0;
  double log_most_;
  double log_step_;
  double sum_ = 0;
  int64_t summed_ = 0;
};

}  // namespace potluck
