// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace potluck::models {

/// The components of a mixture as loops and kernels take them:
///
///   e_k = (x - m_k)' P_k (x - m_k) / 2 + c_k,  c_k = -log a_k + n/2 log 2 pi - log det P_k / 2
///   E = -log sum_k exp(-e_k),  dE/dx = sum_k r_k P_k (x - m_k),  r_k = exp(E - e_k)
template <class Real>
struct MixtureLaws {
  int64_t components, n;
  bool full;         // precision holds P [K, n, n]; otherwise diagonals [K, n]
  const Real* mean;  // [K, n]
  const Real* precision;
  const double* constant;  // c [K]
};

/// One evaluation of it.
template <class Real>
struct MixtureTask {
  MixtureLaws<Real> laws;
  int64_t rows;
  const Real* x;   // [B, n]
  double* energy;  // [B], or null
  Real* gradient;  // [B, n], or null
  const double* row_weight;
  bool accumulate;
  void* workspace;
};

/// On the GPU, defined in gaussian_mixture.cu; the workspace holds [B, K] doubles.
void launch(const MixtureTask<float>& task, void* stream);
void launch(const MixtureTask<double>& task, void* stream);

/// On the CPU, in loops; the workspace holds mixture_workspace_bytes() bytes.
void run(const MixtureTask<float>& task);
void run(const MixtureTask<double>& task);
template <class Real>
int64_t mixture_workspace_bytes(const MixtureLaws<Real>& laws);

}  // namespace potluck::models
