// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cuda_runtime.h>

#include <cstdint>

#include "core/device/cuda/warp.h"

// How threads are laid over items, and warps over rows.

namespace potluck::cuda {

inline constexpr int kThreads = 256;

inline int blocks_for(int64_t items) { return static_cast<int>((items + kThreads - 1) / kThreads); }
inline cudaStream_t of(void* stream) { return static_cast<cudaStream_t>(stream); }

/// One thread an item.
__device__ inline int64_t item_of_thread() { return static_cast<int64_t>(blockIdx.x) * kThreads + threadIdx.x; }

/// One warp a row; the count of threads is a multiple of the warp's, so that all lanes of a warp have the same.
__device__ inline int64_t row_of_warp() { return item_of_thread() / kWarp; }
__device__ inline int lane_of_thread() { return static_cast<int>(threadIdx.x) % kWarp; }

/// In lane 0: the sum over the lanes, folded in one order.
__device__ inline double warp_sum(double value) {
  for (int apart = kWarp / 2; apart > 0; apart /= 2) value += __shfl_down_sync(0xffffffffu, value, apart);
  return value;
}

}  // namespace potluck::cuda
