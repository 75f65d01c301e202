// SPDX-License-Identifier: Apache-2.0
#include "models/linear_gaussian/linear_task.h"
#include "models/normal/kernel.cuh"

namespace potluck::models {
namespace {

constexpr int kThreads = 256;

/// One block a row: threads take the coordinates of x, then its warps the coordinates of z by turns.
template <class Real>
__global__ void evaluate_rows(LinearTask<Real> task) {
  __shared__ double partial[kThreads / kWarp];
  const int64_t row = blockIdx.x, n = task.n, m = task.m;
  const Real* x = task.x + row * n;
  const Real* z = task.z + row * m;
  Real* score = task.workspace + row * n;
  const int warp = threadIdx.x / kWarp, lane = threadIdx.x % kWarp;
  double square = 0;
  for (int64_t i = threadIdx.x; i < n; i += kThreads) {
    Real rest = x[i] - task.offset[i];
    for (int64_t j = 0; j < m; ++j) rest -= task.transposed[j * n + i] * z[j];
    score[i] = rest * task.scale[i];
    square += static_cast<double>(score[i] * rest);
    if (task.x_gradient != nullptr)
      put_gradient(task.x_gradient + row * n + i, score[i], task.row_weight, row, task.accumulate);
  }
  square = warp_sum(square);
  if (lane == 0) partial[warp] = square;
  __syncthreads();  // also makes the scores visible to the whole block
  if (threadIdx.x == 0 && task.energy != nullptr) {
    double sum = 0;
    for (int w = 0; w < kThreads / kWarp; ++w) sum += partial[w];
    task.energy[row] = 0.5 * sum;
  }
  if (task.z_gradient == nullptr) return;
  for (int64_t j = warp; j < m; j += kThreads / kWarp) {
    Real sum = 0;
    for (int64_t i = lane; i < n; i += kWarp) sum += task.transposed[j * n + i] * score[i];
    sum = warp_sum(sum);
    if (lane == 0) put_gradient(task.z_gradient + row * m + j, -sum, task.row_weight, row, task.accumulate);
  }
}

__global__ void fill(int64_t count, double value, double* out) {
  const int64_t i = blockIdx.x * static_cast<int64_t>(kThreads) + threadIdx.x;
  if (i < count) out[i] = value;
}

template <class Real>
void launch_rows(const LinearTask<Real>& task, void* stream) {
  evaluate_rows<<<static_cast<unsigned>(task.rows), kThreads, 0, static_cast<cudaStream_t>(stream)>>>(task);
  check_cuda(cudaGetLastError(), "linear_gaussian");
}

}  // namespace

void launch(const LinearTask<float>& task, void* stream) { launch_rows(task, stream); }
void launch(const LinearTask<double>& task, void* stream) { launch_rows(task, stream); }

void launch_constant(int64_t rows, double value, double* log_z, void* z_gradient, size_t z_gradient_bytes,
                     void* stream) {
  const cudaStream_t on = static_cast<cudaStream_t>(stream);
  fill<<<static_cast<unsigned>((rows + kThreads - 1) / kThreads), kThreads, 0, on>>>(rows, value, log_z);
  check_cuda(cudaGetLastError(), "linear_gaussian");
  if (z_gradient != nullptr) check_cuda(cudaMemsetAsync(z_gradient, 0, z_gradient_bytes, on), "cudaMemsetAsync");
}

}  // namespace potluck::models
