// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include "compose/tree/tree.h"
#include "core/files/formats/array_rows.h"
#include "potluck/engine.h"

namespace potluck::engine {

/// The rows of the files of a composition that is evaluated at points (Composition::points), a few at a time.
class RowsOfPoints {
 public:
  /// Opens them. @throws CompositionError, FileError where they do not fit the variables, or have not as many rows
  explicit RowsOfPoints(const potluck::Composition& composition);

  int64_t rows() const { return rows_; }
  /// Numbers of a row, in all files together.
  int64_t numbers() const;
  /// The next rows, scaled.
  Points next(int64_t count);

 private:
  struct Column {
    const potluck::Variable* variable;
    const PointsFile* file;
    ArrayRows rows;
  };

  std::vector<Column> columns_;
  int64_t rows_ = 0;
  int64_t done_ = 0;
};

}  // namespace potluck::engine
