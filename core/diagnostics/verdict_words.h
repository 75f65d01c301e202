// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

#include "core/diagnostics/run_figures.h"

namespace potluck {

// What the sentences of a verdict are made of.

/// " (image[3, 14])", or nothing where it is not said.
std::string in_brackets(const FigureAt& figure);

/// "1 step", "2 steps"
std::string counted(int64_t count, const std::string& what);

/// "R-hat 1.021 (z)", "R-hat above 1000 (z)"
std::string rhat_text(const FigureAt& rhat, int digits = 3);

/// "R-hat 1.021 (z) is above 1.01", "R-hat is above 1000 (z)"
std::string rhat_above(const FigureAt& rhat, double bound);

/// A share in percent, two digits of it: "3.1 %". Only a share of 1 is 100 %.
std::string percent(double share);

/// A value that is beyond a bound, with `digits` behind the point, or as many more as show that it is: 1.0104 beside
/// 1.01 as "1.0104", not as "1.010".
std::string beside(double value, double bound, int digits);

/// Numbers of steps: whole up to 1e9, else "2.4e+12".
std::string steps_text(double steps);

}  // namespace potluck
