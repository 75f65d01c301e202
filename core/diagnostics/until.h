// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>

namespace potluck {

/// When a run has drawn enough. All of rhat, ess and mcse that are asked for must hold at once; the time ends a run
/// whatever they say.
struct Until {
  std::optional<double> rhat;     ///< rank-normalised split R-hat of the worst coordinate, at most; > 1
  std::optional<double> ess;      ///< bulk and tail effective sample size of the worst coordinate, at least
  std::optional<double> mcse;     ///< standard error of the worst mean, in its standard deviations, at most
  std::optional<double> seconds;  ///< of sampling in this process

  bool convergence() const { return rhat || ess || mcse; }
  bool any() const { return convergence() || seconds; }
};

}  // namespace potluck
