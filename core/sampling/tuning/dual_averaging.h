// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "core/state_archive.h"

namespace potluck {

/// Finds the step size at which an error is zero in the mean by dual averaging on its logarithm (Nesterov 2009; Hoffman
/// & Gelman 2014, section 3.2, with their constants). The error is what is wanted minus what was seen, such as 0.574
/// minus a mean acceptance: positive asks for smaller steps.
class DualAveraging {
 public:
  /// @param most bound of the step size, for targets that accept everything.
  DualAveraging(double first, double most);

  /// The step size to try next.
  double current() const;
  /// An error that is not finite tells nothing and changes nothing.
  void observe(double error);
  /// The step size to keep: the average of those tried, late ones weighing more.
  double tuned() const;
  /// Multiplies the step size by a factor and goes on with what was seen, as where the scale of all positions changes;
  /// the bound stays.
  void rescale(double factor);
  /// Begins anew from the tuned step size times a factor, as after a change of metric; the bound goes with it.
  void restart(double factor);

  /// @throws FileError where what is read is nothing that errors can have led to.
  void persist(StateArchive& archive);

 private:
  double log_most_, log_first_, log_step_, log_average_;
  double error_ = 0;
  int64_t seen_ = 0;
};

}  // namespace potluck
