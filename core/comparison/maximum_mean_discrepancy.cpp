// SPDX-License-Identifier: Apache-2.0
#include "core/comparison/maximum_mean_discrepancy.h"

#include <cmath>

namespace potluck {

Resampled maximum_mean_discrepancy(const PairDistances& distances, const Relabellings& relabellings,
                                   ThreadPool& threads) {
  const double median = distances.median();
  const auto kernel = [median](const float* row, int64_t count, double* values) {
    for (int64_t j = 0; j < count; ++j) {
      const double ratio = static_cast<double>(row[j]) / median;
      values[j] = 0;
      for (const double bandwidth : kMmdBandwidths) values[j] += std::exp(-ratio * ratio / (2 * bandwidth * bandwidth));
    }
  };
  return resampled(mean_differences(distances, relabellings, kernel, threads));
}

}  // namespace potluck
