// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "core/energy/transform.h"

namespace potluck {

/// The free coordinates of one transformed variable in a batch of chains.
struct FreeRows {
  Transform transform;
  int64_t rows = 0;
  int64_t n = 0;
  const uint8_t* held = nullptr;  ///< [n] 1: the coordinate is x itself and stays; null: none
  const void* u = nullptr;        ///< [rows, n] of the precision
};

/// What TransformedEnergy does to arrays before and after the energy that it is made of, on one kind of device: raw
/// pointers in, enqueued on `stream`. Nothing is allocated but by keep(), so that all of it can be captured.
class TransformArithmetic {
 public:
  virtual ~TransformArithmetic() = default;

  /// A mask on the device that lives as long as what is returned.
  virtual std::shared_ptr<const uint8_t> keep(const std::vector<uint8_t>& mask) const = 0;

  virtual void set_zero(double* log_slope, int64_t rows, void* stream) const = 0;

  /// x [rows, n] of the precision, and log_slope[row] += sum_j log|dx_j/du_j| over the coordinates that are not held.
  virtual void user_positions(const FreeRows& free, void* x, double* log_slope, void* stream) const = 0;

  /// gradient <- gradient dx/du - T d log|dx/du| / du, in place [rows, n].
  virtual void free_gradients(const FreeRows& free, double temperature, void* gradient, void* stream) const = 0;

  /// energy[row] -= T log_slope[row]
  virtual void subtract(const double* log_slope, double temperature, int64_t rows, double* energy,
                        void* stream) const = 0;
};

std::unique_ptr<TransformArithmetic> cpu_transform_arithmetic(Precision precision);

}  // namespace potluck
