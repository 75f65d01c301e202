// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <limits>

#include "core/files/run/summary.h"

namespace potluck {

/// A figure that every number has, under its name in summary.json and summary.nc.
struct SummaryFigure {
  const char* name;
  double (*of)(const ScalarSummary& scalar);
  bool always;  ///< else of numbers that are diagnosed only

  double at(const ScalarSummary& scalar) const {
    return always || scalar.diagnosed ? of(scalar) : std::numeric_limits<double>::quiet_NaN();
  }
};

inline constexpr std::array<SummaryFigure, 8> kSummaryFigures = {{
    {"mean", [](const ScalarSummary& s) { return s.mean; }, true},
    {"sd", [](const ScalarSummary& s) { return s.sd; }, true},
    {"mcse_mean", [](const ScalarSummary& s) { return s.convergence.mcse_mean; }, false},
    {"mcse_sd", [](const ScalarSummary& s) { return s.convergence.mcse_sd; }, false},
    {"ess_bulk", [](const ScalarSummary& s) { return s.convergence.ess_bulk; }, false},
    {"ess_tail", [](const ScalarSummary& s) { return s.convergence.ess_tail; }, false},
    {"rhat", [](const ScalarSummary& s) { return s.convergence.rhat; }, false},
    {"nested_rhat", [](const ScalarSummary& s) { return s.nested_rhat; }, false},
}};

}  // namespace potluck
