// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace potluck {

/// The rows of a categorical variable of which one element is drawn; as Group and LabelBlock.
struct LabelRows {
  int64_t rows = 0, n = 0;
  int64_t element = 0;
  int64_t categories = 0;
  uint32_t seed = 0, variable = 0;
  const uint32_t* chain = nullptr;
  uint8_t* frozen = nullptr;
  uint32_t* frozen_step = nullptr;
  double temperature = 1;
  const double* row_temperature = nullptr;
  double* energy = nullptr;     ///< [categories, rows]
  int64_t* label = nullptr;     ///< [rows, n]
  int64_t* proposal = nullptr;  ///< [rows, n]
};

}  // namespace potluck
