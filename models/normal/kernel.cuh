// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cuda_runtime.h>

#include <cstdint>
#include <stdexcept>
#include <string>

namespace potluck::models {

inline void check_cuda(cudaError_t status, const char* what) {
  if (status != cudaSuccess) throw std::runtime_error(std::string(what) + ": " + cudaGetErrorString(status));
}

inline constexpr int kWarp = 32;

/// Sum over the threads of a warp, the same in each.
template <class Value>
__device__ Value warp_sum(Value value) {
  for (int offset = kWarp / 2; offset > 0; offset /= 2) value += __shfl_xor_sync(0xffffffffu, value, offset);
  return value;
}

/// One number of the gradient, weighted and overwriting or adding.
template <class Real>
__device__ void put_gradient(Real* gradient, Real value, const double* row_weight, int64_t row, bool accumulate) {
  const Real weighted = row_weight != nullptr ? static_cast<Real>(row_weight[row]) * value : value;
  *gradient = accumulate ? *gradient + weighted : weighted;
}

}  // namespace potluck::models
