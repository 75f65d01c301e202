// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>

namespace potluck::testing {

/// How much the checks spend. The thorough tier (ctest -L thorough) sets POTLUCK_EXACTNESS_EFFORT, which multiplies
/// chains, and POTLUCK_EXACTNESS_SEED, which is added to every seed; bounds shrink with the standard errors.
inline int64_t effort() {
  const char* text = std::getenv("POTLUCK_EXACTNESS_EFFORT");
  return text ? std::max<int64_t>(1, std::atoll(text)) : 1;
}

inline uint32_t rotated(uint32_t seed) {
  const char* text = std::getenv("POTLUCK_EXACTNESS_SEED");
  return seed + (text ? static_cast<uint32_t>(std::atoll(text)) : 0);
}

/// A bound of Kolmogorov's distance that was stated for n = 10^6.
inline double scaled_d(double bound) { return bound / std::sqrt(static_cast<double>(effort())); }

}  // namespace potluck::testing
