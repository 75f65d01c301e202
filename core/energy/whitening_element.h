// SPDX-License-Identifier: Apache-2.0
#pragma once

// A number of WhiteningArithmetic, as CUDA kernels make it: the terms in the order of the processor's loops, float64
// without fused multiply-adds, so that both give the same bits.

#include <cstdint>

#include "core/random/element.h"

namespace potluck::element {

/// x_j of a row z [d]. @param by_column L_jk at k d + j
POTLUCK_ELEMENT double whitened_position(int64_t d, int64_t j, const double* mean, const double* by_column,
                                         const double* z) {
  double sum = mean[j];
  for (int64_t k = 0; k <= j; ++k) sum += by_column[k * d + j] * z[k];
  return sum;
}

/// h_k of a row g [d]. @param by_row L_jk at j d + k
POTLUCK_ELEMENT double whitened_gradient(int64_t d, int64_t k, const double* by_row, const double* g) {
  double sum = 0;
  for (int64_t j = k; j < d; ++j) sum += by_row[j * d + k] * g[j];
  return sum;
}

}  // namespace potluck::element
