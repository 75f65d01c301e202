// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "core/vector_unit.h"

namespace potluck {

/// Rows times a lower triangle L [d, d], or its transpose, in float64. Every number is one sum, made term after term
/// without fused multiply-adds: its bits depend on its row only, not on the batch, its place in it, or the vector unit.
///
/// x_j = mean_j + L_j0 z_0 + ... + L_jj z_j. @param by_column [d, d] L_jk at k d + j
/// @param z, x [rows, d]
void multiply_triangle(VectorUnit unit, int64_t rows, int64_t d, const double* mean, const double* by_column,
                       const double* z, double* x);

/// h_k = L_kk g_k + ... + L_(d-1)k g_(d-1). @param by_row [d, d] L_jk at j d + k
/// @param g, h [rows, d]
void multiply_transposed_triangle(VectorUnit unit, int64_t rows, int64_t d, const double* by_row, const double* g,
                                  double* h);

}  // namespace potluck
