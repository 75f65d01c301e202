// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

namespace potluck::models {

/// E = sum_i (x - W z - b)_i^2 / (2 v_i) as loops and kernels take it.
template <class Real>
struct LinearTask {
  int64_t n, m, rows;
  const Real* matrix;      // W [n, m]
  const Real* transposed;  // W' [m, n]
  const Real* offset;      // b [n]
  const Real* scale;       // 1 / v [n]
  const Real* x;           // [B, n]
  const Real* z;           // [B, m]
  double* energy;          // [B], or null
  Real* x_gradient;        // [B, n], or null
  Real* z_gradient;        // [B, m], or null
  const double* row_weight;
  bool accumulate;
  Real* workspace;  // CPU: [n + m, kLanes]; GPU: [B, n]
};

/// On the GPU, defined in linear_gaussian.cu. The second sets log_z [B] to a constant and, where z_gradient is not null
/// and nothing is accumulated, that to zero.
void launch(const LinearTask<float>& task, void* stream);
void launch(const LinearTask<double>& task, void* stream);
void launch_constant(int64_t rows, double value, double* log_z, void* z_gradient, size_t z_gradient_bytes,
                     void* stream);

}  // namespace potluck::models
