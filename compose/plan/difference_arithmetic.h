// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>

#include "core/precision.h"

namespace potluck {

/// One side of central differences: rows at x + sign h t.
struct DifferenceSide {
  double sign = 1;
  const double* step = nullptr;  ///< [rows] h; 0 where the row does not move
  int64_t rows = 0;
};

/// What CentralDifferences does to rows, on one kind of device: raw pointers in, enqueued on `stream`. Numbers of rows
/// are of the precision, all others are double. Every sum has one order, so that a row has the same bits on any device.
class DifferenceArithmetic {
 public:
  virtual ~DifferenceArithmetic() = default;

  /// furthest[row] = the largest |tangent[row, j]| in units of the root mean square of all numbers of the input, or
  /// what stood there, where that is larger. Where `fresh` nothing stood there.
  /// @param input, tangent  [rows, n]  @param scratch  [rows + 1]
  virtual void find_furthest(const void* input, const void* tangent, int64_t rows, int64_t n, bool fresh,
                             double* scratch, double* furthest, void* stream) const = 0;

  /// furthest [rows] becomes h, with which the furthest number moves by 2 eps^(1/3).
  virtual void find_steps(int64_t rows, double* furthest, void* stream) const = 0;

  /// moved[row, j] = input[row, j] + sign h tangent[row, j], rows of n numbers.
  virtual void move_rows(const DifferenceSide& side, const void* input, const void* tangent, int64_t n, void* moved,
                         void* stream) const = 0;

  /// weight[row] = sign / (2 h), and 0 where the row does not move.
  virtual void weigh_rows(const DifferenceSide& side, double* weight, void* stream) const = 0;
};

std::unique_ptr<DifferenceArithmetic> cpu_difference_arithmetic(Precision precision);

}  // namespace potluck
