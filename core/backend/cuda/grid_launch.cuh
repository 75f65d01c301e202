// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cuda_runtime.h>

#include <type_traits>

#include "core/backend/cuda/grid_elements.h"
#include "core/backend/cuda/grid_sums.h"
#include "core/backend/cuda/runtime.h"

// How threads are laid over elements and rows.

namespace potluck::cuda {

inline constexpr int kThreads = 256;

inline int blocks_for(int64_t items) { return static_cast<int>((items + kThreads - 1) / kThreads); }
inline cudaStream_t of(void* stream) { return static_cast<cudaStream_t>(stream); }

/// One thread an item.
__device__ inline int64_t item_of_thread() { return static_cast<int64_t>(blockIdx.x) * kThreads + threadIdx.x; }

/// One warp a row; all lanes of a warp have the same.
__device__ inline int64_t row_of_warp() { return item_of_thread() / kWarp; }
__device__ inline int lane_of_thread() { return static_cast<int>(threadIdx.x) % kWarp; }

/// In lane 0: the sum over the lanes, folded in one order.
__device__ inline double warp_sum(double value) {
  for (int apart = kWarp / 2; apart > 0; apart /= 2) value += __shfl_down_sync(0xffffffffu, value, apart);
  return value;
}

/// The gradient of the warp's row: in lane 0 |g|^2, and in every lane whether a free coordinate is not finite.
struct Measured {
  double square;
  bool fails;
};
template <class Real>
__device__ Measured measure_gradient(const GridArguments& a, int64_t row) {
  // As a rule the sum is finite, and no coordinate need be looked at alone.
  const double own = square_of_lane<Real>(a, row, lane_of_thread());
  const bool suspect = __any_sync(0xffffffffu, !finite(own));
  const bool fails = suspect && __any_sync(0xffffffffu, fails_in_lane<Real>(a, row, lane_of_thread()));
  return {warp_sum(own), fails};
}

/// Calls launch(Real(), packed) for the type and width of the rows.
template <class Launch>
void for_rows_of(int real, int64_t n, Launch launch) {
  const bool packed = n % 4 == 0;
  if (real == 4) {
    packed ? launch(float(), std::true_type()) : launch(float(), std::false_type());
  } else {
    packed ? launch(double(), std::true_type()) : launch(double(), std::false_type());
  }
}

}  // namespace potluck::cuda
