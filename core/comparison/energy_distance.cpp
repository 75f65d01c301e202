// SPDX-License-Identifier: Apache-2.0
#include "core/comparison/energy_distance.h"

namespace potluck {

Resampled energy_distance(const PairDistances& distances, const Relabellings& relabellings, ThreadPool& threads) {
  const auto closeness = [](const float* row, int64_t count, double* values) {
    for (int64_t j = 0; j < count; ++j) values[j] = -static_cast<double>(row[j]);
  };
  return resampled(mean_differences(distances, relabellings, closeness, threads));
}

}  // namespace potluck
