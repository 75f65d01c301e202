// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/precision.h"
#include "core/state_archive.h"
#include "core/variables/variable.h"

namespace potluck {

/// Rows of all variables on the host: [rows, n] of each in one precision, int64 labels.
class Batch {
 public:
  Batch(const std::vector<Variable>& variables, Precision precision, int64_t rows);

  int64_t rows() const { return rows_; }
  Precision precision() const { return precision_; }
  size_t variables() const { return numbers_.size(); }
  bool is_categorical(size_t variable) const { return categorical_[variable]; }
  int64_t numbers_a_row(size_t variable) const { return size_[variable]; }
  int64_t size(size_t variable) const { return rows_ * size_[variable]; }

  void* of(size_t variable) { return numbers_[variable].data(); }
  const void* of(size_t variable) const { return numbers_[variable].data(); }
  /// [variables]: where their numbers begin.
  std::vector<void*> pointers();

  /// Number `i` of a variable, and of all its rows. Labels as they are.
  double at(size_t variable, int64_t i) const;
  void set(size_t variable, int64_t i, double number);

  /// Writes the held numbers of every variable to all rows.
  void fill_held(const std::vector<Held>& held);

  /// Row `to` becomes row `row` of a batch of the same variables and precision.
  void copy_row(int64_t to, const Batch& from, int64_t row);

  void persist(StateArchive& archive) { archive(numbers_); }

 private:
  int64_t rows_;
  Precision precision_;
  std::vector<int64_t> size_;
  std::vector<uint8_t> categorical_;
  std::vector<std::vector<std::byte>> numbers_;
};

}  // namespace potluck
