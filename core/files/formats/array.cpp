// SPDX-License-Identifier: Apache-2.0
#include "core/files/formats/array.h"

#include <fmt/core.h>

#include <bit>
#include <cstring>
#include <limits>

namespace potluck {

static_assert(std::endian::native == std::endian::little, "arrays hold little-endian numbers");

namespace {

template <typename Number>
double read_number(const std::byte* from) {
  Number number;
  std::memcpy(&number, from, sizeof number);
  return static_cast<double>(number);
}

double read_as(NumberType type, const std::byte* from) {
  switch (type) {
    case NumberType::kBool:
      return *from != std::byte{0} ? 1.0 : 0.0;
    case NumberType::kInt8:
      return read_number<int8_t>(from);
    case NumberType::kInt16:
      return read_number<int16_t>(from);
    case NumberType::kInt32:
      return read_number<int32_t>(from);
    case NumberType::kInt64:
      return read_number<int64_t>(from);
    case NumberType::kUint8:
      return read_number<uint8_t>(from);
    case NumberType::kUint16:
      return read_number<uint16_t>(from);
    case NumberType::kUint32:
      return read_number<uint32_t>(from);
    case NumberType::kUint64:
      return read_number<uint64_t>(from);
    case NumberType::kFloat32:
      return read_number<float>(from);
    case NumberType::kFloat64:
      return read_number<double>(from);
  }
  return std::numeric_limits<double>::quiet_NaN();
}

template <typename Number>
Array array_of(NumberType type, std::vector<int64_t> shape, const std::vector<Number>& values) {
  Array array{type, std::move(shape), std::vector<std::byte>(values.size() * sizeof(Number))};
  if (!values.empty()) std::memcpy(array.bytes.data(), values.data(), array.bytes.size());
  return array;
}

}  // namespace

size_t bytes_of(NumberType type) {
  switch (type) {
    case NumberType::kBool:
    case NumberType::kInt8:
    case NumberType::kUint8:
      return 1;
    case NumberType::kInt16:
    case NumberType::kUint16:
      return 2;
    case NumberType::kInt32:
    case NumberType::kUint32:
    case NumberType::kFloat32:
      return 4;
    case NumberType::kInt64:
    case NumberType::kUint64:
    case NumberType::kFloat64:
      return 8;
  }
  return 0;
}

const char* name_of(NumberType type) {
  constexpr const char* kNames[] = {"bool",   "int8",   "int16",  "int32",   "int64",  "uint8",
                                    "uint16", "uint32", "uint64", "float32", "float64"};
  return kNames[static_cast<int>(type)];
}

bool is_float(NumberType type) { return type == NumberType::kFloat32 || type == NumberType::kFloat64; }

double maximum_of(NumberType type) {
  if (is_float(type)) return 0;
  if (type == NumberType::kBool) return 1;
  const bool is_signed = type >= NumberType::kInt8 && type <= NumberType::kInt64;
  const int bits = static_cast<int>(8 * bytes_of(type)) - (is_signed ? 1 : 0);
  return static_cast<double>(~uint64_t{0} >> (64 - bits));
}

int64_t count_of(const std::vector<int64_t>& shape) {
  constexpr int64_t kMost = int64_t{1} << 62;
  bool empty = false;
  int64_t count = 1;
  for (const int64_t length : shape) {
    if (length < 0) return -1;
    if (length == 0) empty = true;
    if (length > 0 && count > kMost / length) return -1;
    if (length > 0) count *= length;
  }
  return empty ? 0 : count;
}

std::string shape_text(const std::vector<int64_t>& shape) {
  std::string text = "[";
  for (size_t i = 0; i < shape.size(); ++i) text += (i == 0 ? "" : ", ") + std::to_string(shape[i]);
  return text + "]";
}

std::string element_name(const std::string& name, const std::vector<int64_t>& shape, int64_t element) {
  if (shape.empty()) return name;
  std::vector<int64_t> index(shape.size());
  for (size_t axis = index.size(); axis-- > 0;) {
    index[axis] = element % shape[axis];
    element /= shape[axis];
  }
  return name + shape_text(index);
}

double Array::at(int64_t i) const { return read_as(type, bytes.data() + static_cast<size_t>(i) * bytes_of(type)); }

std::vector<double> Array::as_doubles() const {
  std::vector<double> values(static_cast<size_t>(count()));
  const size_t step = bytes_of(type);
  for (size_t i = 0; i < values.size(); ++i) values[i] = read_as(type, bytes.data() + i * step);
  return values;
}

Array Array::row(int64_t row) const {
  Array part{type, std::vector<int64_t>(shape.begin() + 1, shape.end()), {}};
  const auto size = static_cast<std::ptrdiff_t>(static_cast<size_t>(part.count()) * bytes_of(type));
  part.bytes.assign(bytes.begin() + row * size, bytes.begin() + (row + 1) * size);
  return part;
}

Array Array::of(std::vector<int64_t> shape, const std::vector<double>& values) {
  return array_of(NumberType::kFloat64, std::move(shape), values);
}

Array Array::of(std::vector<int64_t> shape, const std::vector<float>& values) {
  return array_of(NumberType::kFloat32, std::move(shape), values);
}

Array Array::of(std::vector<int64_t> shape, const std::vector<int64_t>& values) {
  return array_of(NumberType::kInt64, std::move(shape), values);
}

}  // namespace potluck
