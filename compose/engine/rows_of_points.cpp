// SPDX-License-Identifier: Apache-2.0
#include "compose/engine/rows_of_points.h"

#include <fmt/format.h>

#include "compose/file/data_source.h"

namespace potluck::engine {

RowsOfPoints::RowsOfPoints(const potluck::Composition& composition) {
  for (const PointsFile& file : composition.points) {
    const potluck::Variable& variable = composition.variables[static_cast<size_t>(file.variable)];
    columns_.push_back({&variable, &file, open_points(file, variable)});
    const Column& first = columns_.front();
    const int64_t rows = columns_.back().rows.rows();
    if (rows != first.rows.rows())
      throw CompositionError({{file.place, fmt::format("must have as many rows as {} ({}), got {}",
                                                       first.file->place.file, first.rows.rows(), rows)}});
  }
  if (columns_.empty())
    throw SettingError("overrides.at", " must name a file of rows, got none: how many rows there are is not known");
  rows_ = columns_.front().rows.rows();
}

int64_t RowsOfPoints::numbers() const {
  int64_t all = 0;
  for (const Column& column : columns_) all += column.variable->size();
  return all;
}

Points RowsOfPoints::next(int64_t count) {
  Points points;
  points.rows = count;
  points.first_row = done_;
  for (Column& column : columns_) {
    std::vector<double> numbers = column.rows.next(count).as_doubles();
    for (double& number : numbers) number *= column.file->scale.value_or(1);
    points.values[column.variable->name] = std::move(numbers);
  }
  done_ += count;
  return points;
}

}  // namespace potluck::engine
