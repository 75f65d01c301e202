// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include "core/learning/batch_energy.h"
#include "core/learning/data/training_data.h"

namespace potluck {

enum class SpreadRows : uint8_t { kTraining, kHeldOut };

/// Rows first ... first + count - 1 of `of` rows.
struct RowRange {
  int64_t first = 0;
  int64_t count = 0;
  int64_t of = 0;  ///< at most those that there are
};

/// Some of `of` rows that are evenly spread over the training or held-out rows of data, which are often sorted. As
/// TrainingData::held_out_rows() has them: neither mirrored nor dropped. @param held  numbers that data do not have
Batch spread_rows(const BatchEnergy& energy, const TrainingData& data, SpreadRows which, const RowRange& range,
                  const std::vector<Held>& held);

}  // namespace potluck
