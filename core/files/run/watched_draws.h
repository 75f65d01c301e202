// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/files/run/draws.h"
#include "core/files/run/summary.h"

namespace potluck {

/// Number `place` of VariableSummary::shape in the row of a chain that begins at `first`.
inline double number_at(const DrawsSchema& schema, size_t variable, const void* position, int64_t first,
                        int64_t place) {
  const int64_t categories = schema.variables[variable].categories;
  if (categories > 0)
    return static_cast<const int64_t*>(position)[first + place / categories] == place % categories ? 1 : 0;
  const int64_t i = first + place;
  return schema.precision == Precision::kFloat32 ? static_cast<double>(static_cast<const float*>(position)[i])
                                                 : static_cast<const double*>(position)[i];
}

/// All draws of some numbers of a variable, by the chains that count.
struct WatchedDraws {
  std::vector<size_t> numbers;  ///< in VariableSummary::free
  std::vector<double> values;   ///< [numbers, chains, draws]
};

}  // namespace potluck
