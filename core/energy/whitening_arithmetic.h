// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "core/precision.h"

namespace potluck {

/// The coordinates of one variable that are among the joint ones, in a batch of chains.
struct JointShare {
  int64_t rows = 0;
  int64_t n = 0;                   ///< numbers of the variable
  int64_t count = 0;               ///< of them that are joint
  const int64_t* which = nullptr;  ///< [count] their indices
  int64_t first = 0;               ///< of them among the joint ones
  int64_t joint = 0;               ///< d, of all variables
};

/// What WhitenedEnergy does to arrays, on one kind of device: raw pointers in, enqueued on `stream`. Every sum is made
/// in one order in float64, so that a row has the same bits in any batch and on any device.
class WhiteningArithmetic {
 public:
  virtual ~WhiteningArithmetic() = default;

  /// Memory on the device, and what is written to it from the host at once.
  virtual std::shared_ptr<void> allocate(size_t bytes) const = 0;
  virtual void upload(void* to, const void* from, size_t bytes) const = 0;

  virtual void copy(void* to, const void* from, size_t bytes, void* stream) const = 0;
  /// joint [rows, d] <- the share of values [rows, n] of the precision.
  virtual void gather(const JointShare& share, const void* values, double* joint, void* stream) const = 0;
  /// The share of values [rows, n] <- joint [rows, d]; the others stay.
  virtual void scatter(const JointShare& share, const double* joint, void* values, void* stream) const = 0;

  /// x_j = mean_j + sum over k = 0 ... j of L_jk z_k. @param by_column [d, d] L_jk at k d + j
  virtual void positions(int64_t rows, int64_t d, const double* mean, const double* by_column, const double* z,
                         double* x, void* stream) const = 0;
  /// h_k = sum over j = k ... d - 1 of L_jk g_j. @param by_row [d, d] L_jk at j d + k
  virtual void gradients(int64_t rows, int64_t d, const double* by_row, const double* g, double* h,
                         void* stream) const = 0;
};

std::unique_ptr<WhiteningArithmetic> cpu_whitening_arithmetic(Precision precision);

}  // namespace potluck
