// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "core/files/formats/array.h"

namespace potluck {

/// The rows of an array in a file, along its first axis, read from the first to the last a few at a time: as much
/// memory as these take, however long the file.
class ArrayRows {
 public:
  /// The next so many numbers of the file, as Array::bytes has them.
  using Read = std::function<std::vector<std::byte>(int64_t numbers)>;

  /// @param shape  of the whole array
  ArrayRows(NumberType type, std::vector<int64_t> shape, Read read);
  /// Of an array in memory.
  explicit ArrayRows(Array whole);

  NumberType type() const { return type_; }
  const std::vector<int64_t>& shape() const { return shape_; }
  /// 0 for a single number.
  int64_t rows() const { return shape_.empty() ? 0 : shape_.front(); }

  /// The next rows, [count, ...], of those that are left.
  /// @throws FileError where the file does not have what its header says
  Array next(int64_t count);

 private:
  NumberType type_;
  std::vector<int64_t> shape_;
  Read read_;
};

}  // namespace potluck
