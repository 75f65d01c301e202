// SPDX-License-Identifier: Apache-2.0
#include "core/learning/batch.h"

#include <cstring>

namespace potluck {

Batch::Batch(const std::vector<Variable>& variables, Precision precision, int64_t rows)
    : rows_(rows), precision_(precision) {
  for (const Variable& variable : variables) {
    size_.push_back(variable.size());
    categorical_.push_back(variable.categorical() ? 1 : 0);
    const size_t width = variable.categorical() ? sizeof(int64_t) : bytes_of(precision);
    numbers_.emplace_back(static_cast<size_t>(rows * variable.size()) * width);
  }
}

std::vector<void*> Batch::pointers() {
  std::vector<void*> pointers;
  for (std::vector<std::byte>& one : numbers_) pointers.push_back(one.data());
  return pointers;
}

double Batch::at(size_t variable, int64_t i) const {
  if (is_categorical(variable)) return static_cast<double>(static_cast<const int64_t*>(of(variable))[i]);
  if (precision_ == Precision::kFloat64) return static_cast<const double*>(of(variable))[i];
  return static_cast<double>(static_cast<const float*>(of(variable))[i]);
}

void Batch::set(size_t variable, int64_t i, double number) {
  if (is_categorical(variable))
    static_cast<int64_t*>(of(variable))[i] = static_cast<int64_t>(number);
  else if (precision_ == Precision::kFloat64)
    static_cast<double*>(of(variable))[i] = number;
  else
    static_cast<float*>(of(variable))[i] = static_cast<float>(number);
}

void Batch::fill_held(const std::vector<Held>& held) {
  for (size_t v = 0; v < variables() && v < held.size(); ++v) {
    if (!held[v].any()) continue;
    for (int64_t i = 0; i < size(v); ++i) {
      const auto j = static_cast<size_t>(i % size_[v]);
      if (held[v].mask[j]) set(v, i, held[v].value[j]);
    }
  }
}

void Batch::copy_row(int64_t to, const Batch& from, int64_t row) {
  for (size_t v = 0; v < variables(); ++v) {
    const size_t bytes = static_cast<size_t>(size_[v]) * (is_categorical(v) ? sizeof(int64_t) : bytes_of(precision_));
    std::memcpy(numbers_[v].data() + static_cast<size_t>(to) * bytes,
                from.numbers_[v].data() + static_cast<size_t>(row) * bytes, bytes);
  }
}

}  // namespace potluck
