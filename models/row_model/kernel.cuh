// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cuda_runtime_api.h>

#include "models/row_model/row_call.h"

namespace potluck::models {

constexpr int kMostThreads = 128;

/// The sum of `value` over the block, in every thread of the first warp; the order depends on the block's size alone.
__device__ inline double block_sum(double value) {
  __shared__ double of_warps[32];
  const unsigned everyone = 0xffffffffu;
  for (int offset = 16; offset > 0; offset /= 2) value += __shfl_down_sync(everyone, value, offset);
  if (threadIdx.x % 32 == 0) of_warps[threadIdx.x / 32] = value;
  __syncthreads();
  if (threadIdx.x >= 32) return 0;
  value = threadIdx.x < blockDim.x / 32 ? of_warps[threadIdx.x] : 0.0;
  for (int offset = 16; offset > 0; offset /= 2) value += __shfl_down_sync(everyone, value, offset);
  return value;
}

/// One block a row: its threads stride over the coordinates. The arithmetic of a term and of its gradient is that of
/// the processor's loop; energies are summed in double in another order. Rows are taken from the last to the first: the
/// host moved them in their order before, and goes through the gradients in their order after, so that what a large
/// batch left in the cache is met there.
template <class Terms, class Real>
__global__ void __launch_bounds__(kMostThreads) row_kernel(Terms terms, RowCall<Real> call) {
  const int64_t b = gridDim.x - 1 - blockIdx.x;
  const Real* x = call.x + b * call.n;
  Real* gradient = call.gradient ? call.gradient + b * call.n : nullptr;
  const Real weight = call.row_weight ? static_cast<Real>(call.row_weight[b]) : Real(1);
  double energy = 0;
#pragma unroll 8
  for (int64_t i = threadIdx.x; i < call.n; i += blockDim.x) {
    const Term<Real> term = terms(x, i);
    energy += static_cast<double>(term.energy);
    if (gradient != nullptr) {
      const Real mine = call.row_weight ? weighted(weight, term.gradient) : term.gradient;
      gradient[i] = call.accumulate ? gradient[i] + mine : mine;
    }
  }
  if (call.energy == nullptr) return;
  energy = block_sum(energy);
  if (threadIdx.x == 0) call.energy[b] = energy;
}

/// Enqueues the evaluation on `stream` of the current device; allocates nothing and may be captured in a graph.
template <class Terms, class Real>
cudaError_t enqueue_rows(const Terms& terms, const RowCall<Real>& call, cudaStream_t stream) {
  const int64_t warps = (call.n + 31) / 32;
  const int threads = warps * 32 < kMostThreads ? static_cast<int>(warps * 32) : kMostThreads;
  row_kernel<<<static_cast<unsigned>(call.rows), threads, 0, stream>>>(terms, call);
  return cudaGetLastError();
}

}  // namespace potluck::models

/// Compiles the kernels of a model in both precisions: once in its .cu file, inside namespace potluck::models.
#define POTLUCK_ROW_KERNELS(Terms)                                                             \
  template cudaError_t enqueue_rows(const Terms<float>&, const RowCall<float>&, cudaStream_t); \
  template cudaError_t enqueue_rows(const Terms<double>&, const RowCall<double>&, cudaStream_t)
