// SPDX-License-Identifier: Apache-2.0
#include "core/learning/data/data_column.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/learning/data/numbers_of.h"

namespace potluck {

namespace {

/// Values that a number may have, both ends included.
struct Bounds {
  double least, most;
};

/// float32 must hold what a run in float32 reads.
constexpr double kLargest = std::numeric_limits<float>::max();

Bounds bounds_of(const Variable& variable) {
  return {std::max(variable.least, -kLargest), std::min(variable.most, kLargest)};
}

/// Index of the first number that is outside, with its noise or without, or is none; -1 where all are inside.
int64_t first_outside(const DataColumn& column, const Bounds& bounds) {
  const int64_t count = column.array.count();
  constexpr int64_t kPiece = 4096;
  return with_numbers(column.array, [&](const auto& numbers) {
    const auto inside = [&](int64_t i) {
      const double value = numbers[i] * column.scale + column.shift;
      return value >= bounds.least && value + column.dequantise <= bounds.most;
    };
    for (int64_t begin = 0; begin < count; begin += kPiece) {
      const int64_t end = std::min(count, begin + kPiece);
      bool all = true;
      for (int64_t i = begin; i < end; ++i) all &= inside(i);
      if (all) continue;
      for (int64_t i = begin; i < end; ++i)
        if (!inside(i)) return i;
    }
    return int64_t{-1};
  });
}

int64_t first_no_label(const Array& array, int64_t categories) {
  const double most = static_cast<double>(categories - 1);
  for (int64_t i = 0; i < array.count(); ++i) {
    const double value = array.at(i);
    if (!(value >= 0 && value <= most && value == std::floor(value))) return i;
  }
  return -1;
}

std::string about_number(const DataColumn& column, const Variable& variable, double stored) {
  const double value = stored * column.scale + column.shift;
  if (!std::isfinite(value)) return fmt::format("must be finite, got {}", value);
  if (std::abs(value) > kLargest) return fmt::format("must be a number that float32 holds, got {}", value);
  const std::string support = fmt::format("must be in its support [{}, {}]", variable.least, variable.most);
  if (value >= variable.least && value <= variable.most)
    return fmt::format("{} with its dequantise, got {} ... {}. Use a smaller scale, or a smaller dequantise", support,
                       value, value + column.dequantise);
  const bool as_stored = column.scale == 1 && column.shift == 0;
  return fmt::format("{}, got {}{}. Set scale and shift, or widen the support", support, value,
                     as_stored ? "" : fmt::format(" ({} in the file)", stored));
}

}  // namespace

std::optional<std::vector<int32_t>> mirrored(const std::vector<int64_t>& shape) {
  const auto channels = [](int64_t length) { return length == 1 || length == 3; };
  size_t axis = 0;
  if (shape.size() == 2)
    axis = 1;
  else if (shape.size() == 3 && channels(shape[0]))
    axis = 2;
  else if (shape.size() == 3 && channels(shape[2]))
    axis = 1;
  else
    return {};
  const int64_t width = shape[axis];
  const int64_t inner = axis + 1 < shape.size() ? shape[axis + 1] : 1;
  std::vector<int32_t> from(static_cast<size_t>(count_of(shape)));
  for (size_t j = 0; j < from.size(); ++j) {
    const int64_t element = static_cast<int64_t>(j);
    const int64_t along = element / inner % width;
    from[j] = static_cast<int32_t>(element + (width - 1 - 2 * along) * inner);
  }
  return from;
}

std::string objection(const DataColumn& column, const Variable& variable) {
  const int64_t at = variable.categorical() ? first_no_label(column.array, variable.categories)
                                            : first_outside(column, bounds_of(variable));
  if (at < 0) return "";
  const double stored = column.array.at(at);
  return fmt::format(
      "row {}: {} {}", at / variable.size(), element_name(variable.name, variable.shape, at % variable.size()),
      variable.categorical() ? fmt::format("must be a label 0 ... {}, got {}", variable.categories - 1, stored)
                             : about_number(column, variable, stored));
}

}  // namespace potluck
