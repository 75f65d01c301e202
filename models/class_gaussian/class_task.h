// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace potluck::models {

/// The laws of K classes as loops and kernels take them. Where u = A (x - m), the energy is
/// (sum_i (x - m - W u)_i^2 / v_i + |u|^2) / 2 + constant (models/normal/low_rank_normal.h).
template <class Real>
struct ClassLaws {
  int64_t classes, n, rank;
  const Real* mean;        // m [K, n]
  const Real* scale;       // 1 / v [K, n]
  const Real* latent;      // A [K, r, n]
  const Real* factor;      // W [K, n, r] for loops, W' [K, r, n] for kernels: neighbours in memory work together
  const double* constant;  // [K]
};

/// One evaluation of them.
template <class Real>
struct ClassTask {
  ClassLaws<Real> laws;
  int64_t rows;
  const Real* x;         // [B, n]
  const int64_t* label;  // [B]
  double* energy;        // [B], or null
  Real* gradient;        // [B, n], or null
  const double* row_weight;
  bool accumulate;
};

/// On the GPU, defined in class_gaussian.cu.
void launch(const ClassTask<float>& task, void* stream);
void launch(const ClassTask<double>& task, void* stream);
/// log_z[b] = log_prior[label[b]], all on the GPU.
void launch_log_prior(int64_t rows, const int64_t* label, const double* log_prior, double* log_z, void* stream);

}  // namespace potluck::models
