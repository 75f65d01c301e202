// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace potluck::models {

/// What is left of an evaluation on a GPU when the matrix products stand, in one launch: with d = left - mean and
/// r = right, or d where that is null,
///
///   energy[b] = (sum_i d[b, i] r[b, i] scale[i] + sum_k latent[b, k]^2) / 2
///
/// summed in double, and the gradient is r * scale. mean null: 0; scale null: 1.
template <class Real>
struct DeviceFinish {
  int64_t rows = 0, n = 0, rank = 0;
  const Real *left = nullptr, *mean = nullptr, *right = nullptr, *scale = nullptr, *latent = nullptr;
  double* energy = nullptr;  ///< null: not wanted
  Real* gradient = nullptr;  ///< null: not wanted, or `right` stands there already as wanted
  const double* row_weight = nullptr;
  bool accumulate = false;
};

/// Enqueues it on `stream`; allocates nothing and may be captured in a graph.
void finish_on_device(const DeviceFinish<float>& task, void* stream);
void finish_on_device(const DeviceFinish<double>& task, void* stream);

}  // namespace potluck::models
