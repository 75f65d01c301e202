// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "plugins/conformance.h"

namespace potluck::conformance {

/// @throws SettingError where the points of an input do not fit it.
void check_starts(const ModelKind& kind, const ConformanceOptions& options);

/// The shape that was asked for an input, by itself or by its points.
std::optional<std::vector<int64_t>> shape_asked(const ConformanceOptions& options, const std::string& input);

/// Points of an input, and places near them.
class StartPoints {
 public:
  StartPoints(const Array& points, const Slot& slot);

  /// Number `j` of a row near the point that `uniform` in [0, 1) chooses, by `noise` hundredths of the points' scale
  /// (the root mean square distance of all numbers from their mean, else their size), within the support.
  double near(double uniform, size_t j, double noise) const;

 private:
  std::vector<double> numbers_;
  size_t size_;
  double step_, grid_;  ///< of the noise, and what all values are multiples of
  const Slot& slot_;
};

/// Nothing where no points were given, or they are of another size.
std::optional<StartPoints> start_points(const ConformanceOptions& options, const std::string& input, const Slot& slot);

}  // namespace potluck::conformance
