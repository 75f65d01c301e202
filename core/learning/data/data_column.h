// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/files/formats/array.h"
#include "core/variables/variable.h"

namespace potluck {

/// The rows of one variable in the training data, and how its numbers are made of them:
///
///   x = a scale + shift + dequantise u,   u uniform in [0, 1), drawn anew for every number
///
/// The numbers stay as the file has them, so that 8-bit images take one byte a pixel.
struct DataColumn {
  int variable = 0;       ///< index into the variables
  Array array;            ///< [N, size of the variable] numbers, in any shape of N rows; labels where it is categorical
  double scale = 1;       ///< of a continuous variable, as the next three
  double shift = 0;       ///< in units of x
  double dequantise = 0;  ///< >= 0, width of the uniform noise, in units of x
  bool flip = false;      ///< mirror each row of an image left to right with probability 1/2
  double drop = 0;        ///< in [0, 1], of a categorical variable: probability that a row's labels become -1

  int64_t rows() const { return array.shape.empty() ? 0 : array.shape[0]; }
};

/// Where element j of a row of that shape comes from when its picture is mirrored left to right: [n]. Nothing where the
/// shape is no picture's. Pictures are [height, width], [1 or 3, height, width] and [height, width, 1 or 3], in this
/// order where several fit.
std::optional<std::vector<int32_t>> mirrored(const std::vector<int64_t>& shape);

/// The first number that is no value of `variable`, in words: "row 3: image[0, 1] must be in its support [0, 1], got
/// 2".
/// "" where there is none. `column.array` must have the size that its comment says.
std::string objection(const DataColumn& column, const Variable& variable);

}  // namespace potluck
