// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "core/sampling/annealed_options.h"
#include "core/sampling/run.h"
#include "core/sampling/start.h"

namespace potluck {

/// Two sides of log Z from annealed importance sampling without resampling, along one ladder: the mean log weight is
/// below log Z in expectation from the base up (Jensen), and above it from exact draws of the target down.
struct EvidenceBracket {
  double lower = 0, lower_error = 0;  ///< mean over particles, and its standard error
  double upper = 0, upper_error = 0;
};

/// An estimate of log Z, the log integral of exp(-E/T) over the coordinates that are not held.
struct Evidence {
  double log_z = 0;  ///< log of the mean of the repeats' Zhat, which is unbiased
  /// Of log_z: that of the mean of Zhat relative to it, or that of the mean of log Zhat where it is larger, which it is
  /// where few repeats have all the weight.
  double standard_error = 0;
  std::vector<double> repeats;        ///< log Zhat of each
  std::vector<AnnealedStage> stages;  ///< as tuned by the pilot; ess and acceptance are means over the repeats
  std::optional<EvidenceBracket> bracket;
  int64_t particles = 0;
  int64_t coordinates = 0;  ///< that are integrated over
  int64_t evaluations = 0;  ///< of energy and gradient a particle, in all runs together
};

/// One pilot run finds ladder, step sizes and metric, and is then forgotten; `repeats` independent runs with what it
/// found estimate Z without bias, and their spread is the standard error.
/// @param repeats  >= 2
/// @param exact    independent draws of the target, for the bracket; null: none
Evidence estimate_evidence(const Target& target, const AnnealedOptions& options, int64_t repeats, const Start* exact);

}  // namespace potluck
