// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstring>

#include "core/files/formats/array.h"

namespace potluck {

/// The numbers of an array at their own type, so that loops over them can be vectorised.
template <class Number>
class NumbersOf {
 public:
  explicit NumbersOf(const std::byte* first) : first_(first) {}
  double operator[](int64_t i) const {
    Number number;
    std::memcpy(&number, first_ + static_cast<size_t>(i) * sizeof number, sizeof number);
    return static_cast<double>(number);
  }
  NumbersOf from(int64_t i) const { return NumbersOf(first_ + static_cast<size_t>(i) * sizeof(Number)); }

 private:
  const std::byte* first_;
};

/// A bool of a file: any byte but zero is true.
struct Truth {
  uint8_t byte;
  explicit operator double() const { return byte != 0 ? 1.0 : 0.0; }
};

/// work(NumbersOf<type of the array>).
template <class Work>
decltype(auto) with_numbers(const Array& array, const Work& work) {
  const std::byte* first = array.bytes.data();
  switch (array.type) {
    case NumberType::kInt8:
      return work(NumbersOf<int8_t>(first));
    case NumberType::kInt16:
      return work(NumbersOf<int16_t>(first));
    case NumberType::kInt32:
      return work(NumbersOf<int32_t>(first));
    case NumberType::kInt64:
      return work(NumbersOf<int64_t>(first));
    case NumberType::kUint16:
      return work(NumbersOf<uint16_t>(first));
    case NumberType::kUint32:
      return work(NumbersOf<uint32_t>(first));
    case NumberType::kUint64:
      return work(NumbersOf<uint64_t>(first));
    case NumberType::kFloat32:
      return work(NumbersOf<float>(first));
    case NumberType::kFloat64:
      return work(NumbersOf<double>(first));
    case NumberType::kBool:
      return work(NumbersOf<Truth>(first));
    case NumberType::kUint8:
      break;
  }
  return work(NumbersOf<uint8_t>(first));
}

}  // namespace potluck
