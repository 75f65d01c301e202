// SPDX-License-Identifier: Apache-2.0
#include "core/files/formats/array_rows.h"

#include <memory>
#include <utility>

namespace potluck {

ArrayRows::ArrayRows(NumberType type, std::vector<int64_t> shape, Read read)
    : type_(type), shape_(std::move(shape)), read_(std::move(read)) {}

ArrayRows::ArrayRows(Array whole) : type_(whole.type), shape_(whole.shape) {
  read_ = [all = std::make_shared<const Array>(std::move(whole)), at = int64_t{0}](int64_t numbers) mutable {
    const auto size = static_cast<int64_t>(bytes_of(all->type));
    const auto first = all->bytes.begin() + at * size;
    at += numbers;
    return std::vector<std::byte>(first, first + numbers * size);
  };
}

Array ArrayRows::next(int64_t count) {
  Array rows{type_, shape_, {}};
  rows.shape.front() = count;
  rows.bytes = read_(rows.count());
  return rows;
}

}  // namespace potluck
