// SPDX-License-Identifier: Apache-2.0
#pragma once

// What DifferenceArithmetic does to a row or a number, the same on the CPU and in CUDA kernels.

#include <cfloat>
#include <cmath>
#include <cstdint>

#include "core/random/element.h"

namespace potluck::element {

/// The sum of the squares of a row [n].
template <class T>
POTLUCK_ELEMENT double squares_of_row(const T* row, int64_t n) {
  double squares = 0;
  for (int64_t j = 0; j < n; ++j) squares += static_cast<double>(row[j]) * static_cast<double>(row[j]);
  return squares;
}

/// The root mean square of an input's numbers; 1 where all are 0. @param squares  [rows], of rows of n numbers
POTLUCK_ELEMENT double size_of_input(const double* squares, int64_t rows, int64_t n) {
  double sum = 0;
  for (int64_t row = 0; row < rows; ++row) sum += squares[row];
  return sum > 0 ? std::sqrt(sum / static_cast<double>(rows * n)) : 1;
}

/// How far the number of a row that moves furthest goes along the tangent [n], in units of `size`; `furthest` where
/// none goes further.
template <class T>
POTLUCK_ELEMENT double furthest_of_row(const T* tangent, int64_t n, double size, double furthest) {
  double most = 0;
  for (int64_t j = 0; j < n; ++j) {
    const double far = std::fabs(static_cast<double>(tangent[j]));
    if (far > most) most = far;
  }
  return most / size > furthest ? most / size : furthest;
}

/// h of a row whose furthest number is to move by `reach`; 0 where none moves.
POTLUCK_ELEMENT double step_of_row(double furthest, double reach) {
  return furthest >= DBL_MIN && furthest <= DBL_MAX ? reach / furthest : 0;
}

template <class T>
POTLUCK_ELEMENT T moved_number(T number, double step, T tangent) {
  return static_cast<T>(static_cast<double>(number) + step * static_cast<double>(tangent));
}

/// 1 / (2 h) with the sign of a side; 0 where the row does not move.
POTLUCK_ELEMENT double weight_of_row(double step, double sign) { return step > 0 ? sign / (2 * step) : 0; }

}  // namespace potluck::element
