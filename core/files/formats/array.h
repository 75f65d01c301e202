// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace potluck {

/// Type of the numbers of an array in a file.
enum class NumberType { kBool, kInt8, kInt16, kInt32, kInt64, kUint8, kUint16, kUint32, kUint64, kFloat32, kFloat64 };

size_t bytes_of(NumberType type);
/// "float32", "uint8", "bool".
const char* name_of(NumberType type);
bool is_float(NumberType type);
/// Largest value of an integer type (1 for bool), 0 for floats: what an integer source's scale is measured against.
double maximum_of(NumberType type);

/// Product of the shape, 1 for one number; -1 where it does not fit 2^62 or a length is negative.
int64_t count_of(const std::vector<int64_t>& shape);
/// "[28, 28]"
std::string shape_text(const std::vector<int64_t>& shape);
/// "image[3, 14]": element 101 of an array `name` of shape [8, 29]; "label" of a single number.
std::string element_name(const std::string& name, const std::vector<int64_t>& shape, int64_t element);

/// A dense n-dimensional array as a file holds it: C order, little-endian.
struct Array {
  NumberType type = NumberType::kFloat64;
  std::vector<int64_t> shape;    ///< empty: one number
  std::vector<std::byte> bytes;  ///< count() * bytes_of(type)

  int64_t count() const { return count_of(shape); }
  /// Number i in C order. Integers beyond 2^53 are rounded.
  double at(int64_t i) const;
  std::vector<double> as_doubles() const;
  /// The part [row] of the first dimension: its shape is shape[1:]. `row` must be inside.
  Array row(int64_t row) const;

  static Array of(std::vector<int64_t> shape, const std::vector<double>& values);
  static Array of(std::vector<int64_t> shape, const std::vector<float>& values);
  static Array of(std::vector<int64_t> shape, const std::vector<int64_t>& values);
};

}  // namespace potluck
