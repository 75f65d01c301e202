// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace potluck::models {

/// What is left of an evaluation on a GPU when the matrix products stand, in one launch: with d = left - mean and
/// r = right, or d where that is null,
///
///   energy[b] = constant + (sum_i d[b, i] r[b, i] scale[i] + sum_k latent[b, k]^2) / 2
///
/// summed in double, and the gradient is r * scale. mean null: 0; scale null: 1. The n coordinates are those named in
/// `free` of the `size` that a row of the gradient has, which is 0 at those in `held`; null: all, as they stand.
template <class Real>
struct DeviceFinish {
  int64_t rows = 0, n = 0, rank = 0, size = 0;
  const Real *left = nullptr, *mean = nullptr, *right = nullptr, *scale = nullptr, *latent = nullptr;
  const int64_t *free = nullptr, *held = nullptr;
  int64_t held_count = 0;
  double constant = 0;
  double* energy = nullptr;  ///< null: not wanted
  Real* gradient = nullptr;  ///< null: not wanted, or `right` stands there already as wanted
  const double* row_weight = nullptr;
  bool accumulate = false;
};

/// Enqueues it on `stream`; allocates nothing and may be captured in a graph.
void finish_on_device(const DeviceFinish<float>& task, void* stream);
void finish_on_device(const DeviceFinish<double>& task, void* stream);

/// difference [rows, n] = left - mean at the coordinates in `free`, with left [rows, size].
void subtract_on_device(const DeviceFinish<float>& task, float* difference, void* stream);
void subtract_on_device(const DeviceFinish<double>& task, double* difference, void* stream);

}  // namespace potluck::models
