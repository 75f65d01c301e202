// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>
#include <cstdint>
#include <random>
#include <vector>

#include "core/comparison/rows.h"

namespace potluck::testing {

/// Independent rows of N(mean e_0, sd^2 I) in `size` dimensions.
inline Rows normal_rows(std::mt19937_64& engine, int64_t count, int64_t size, double mean = 0, double sd = 1) {
  std::normal_distribution<double> normal;
  Rows rows;
  rows.size = size;
  for (int64_t i = 0; i < count; ++i)
    for (int64_t d = 0; d < size; ++d) rows.values.push_back(sd * normal(engine) + (d == 0 ? mean : 0));
  return rows;
}

/// The mean of independent numbers and its standard error.
struct MeanOfRepeats {
  double mean = 0, standard_error = 0;
};
inline MeanOfRepeats mean_of(const std::vector<double>& numbers) {
  const auto n = static_cast<double>(numbers.size());
  double sum = 0, squares = 0;
  for (const double one : numbers) sum += one;
  for (const double one : numbers) squares += (one - sum / n) * (one - sum / n);
  return {sum / n, std::sqrt(squares / (n - 1) / n)};
}

}  // namespace potluck::testing
