// SPDX-License-Identifier: Apache-2.0
#include "core/learning/spread_rows.h"

namespace potluck {

Batch spread_rows(const BatchEnergy& energy, const TrainingData& data, SpreadRows which, const RowRange& range,
                  const std::vector<Held>& held) {
  Batch rows(energy.variables(), energy.precision(), range.count);
  rows.fill_held(held);
  const int64_t all = which == SpreadRows::kHeldOut ? data.held_out() : data.training();
  std::vector<void*> position(rows.variables());
  for (int64_t row = 0; row < range.count; ++row) {
    for (size_t v = 0; v < position.size(); ++v) {
      const size_t width = rows.is_categorical(v) ? sizeof(int64_t) : bytes_of(rows.precision());
      position[v] = static_cast<char*>(rows.of(v)) + static_cast<size_t>(row * rows.numbers_a_row(v)) * width;
    }
    const int64_t from = (range.first + row) * all / range.of;
    if (which == SpreadRows::kHeldOut)
      data.held_out_rows(from, 1, position.data());
    else
      data.training_rows(from, 1, position.data());
  }
  return rows;
}

}  // namespace potluck
