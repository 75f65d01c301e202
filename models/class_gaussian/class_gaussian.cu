// SPDX-License-Identifier: Apache-2.0
#include "models/class_gaussian/class_task.h"
#include "models/normal/kernel.cuh"

namespace potluck::models {
namespace {

constexpr int kThreads = 256;

/// One block a row: its warps take the latent factors by turns, its threads the coordinates.
template <class Real>
__global__ void evaluate_rows(ClassTask<Real> task) {
  extern __shared__ unsigned char shared[];
  Real* latent = reinterpret_cast<Real*>(shared);  // u [r]
  __shared__ double partial[kThreads / kWarp];
  const ClassLaws<Real> laws = task.laws;
  const int64_t row = blockIdx.x, n = laws.n, rank = laws.rank;
  const int64_t k = task.label[row];
  const Real* x = task.x + row * n;
  const Real* mean = laws.mean + k * n;
  const int warp = threadIdx.x / kWarp, lane = threadIdx.x % kWarp;
  for (int64_t j = warp; j < rank; j += kThreads / kWarp) {
    const Real* weights = laws.latent + (k * rank + j) * n;
    Real sum = 0;
    for (int64_t i = lane; i < n; i += kWarp) sum += weights[i] * (x[i] - mean[i]);
    sum = warp_sum(sum);
    if (lane == 0) latent[j] = sum;
  }
  __syncthreads();
  double square = 0;
  for (int64_t j = threadIdx.x; j < rank; j += kThreads) square += static_cast<double>(latent[j]) * latent[j];
  for (int64_t i = threadIdx.x; i < n; i += kThreads) {
    Real rest = x[i] - mean[i];
    for (int64_t j = 0; j < rank; ++j) rest -= laws.factor[(k * rank + j) * n + i] * latent[j];
    const Real scaled = rest * laws.scale[k * n + i];
    square += static_cast<double>(scaled * rest);
    if (task.gradient != nullptr)
      put_gradient(task.gradient + row * n + i, scaled, task.row_weight, row, task.accumulate);
  }
  square = warp_sum(square);
  if (lane == 0) partial[warp] = square;
  __syncthreads();
  if (threadIdx.x == 0 && task.energy != nullptr) {
    double sum = 0;
    for (int w = 0; w < kThreads / kWarp; ++w) sum += partial[w];
    task.energy[row] = 0.5 * sum + laws.constant[k];
  }
}

__global__ void pick(int64_t rows, const int64_t* label, const double* log_prior, double* log_z) {
  const int64_t b = blockIdx.x * static_cast<int64_t>(kThreads) + threadIdx.x;
  if (b < rows) log_z[b] = log_prior[label[b]];
}

template <class Real>
void launch_rows(const ClassTask<Real>& task, void* stream) {
  // Whole fours: the compiler reads neighbouring factors at once, beyond the last one too.
  const size_t shared = static_cast<size_t>((task.laws.rank + 3) / 4 * 4) * sizeof(Real);
  evaluate_rows<<<static_cast<unsigned>(task.rows), kThreads, shared, static_cast<cudaStream_t>(stream)>>>(task);
  check_cuda(cudaGetLastError(), "class_gaussian");
}

}  // namespace

void launch(const ClassTask<float>& task, void* stream) { launch_rows(task, stream); }
void launch(const ClassTask<double>& task, void* stream) { launch_rows(task, stream); }

void launch_log_prior(int64_t rows, const int64_t* label, const double* log_prior, double* log_z, void* stream) {
  const auto blocks = static_cast<unsigned>((rows + kThreads - 1) / kThreads);
  pick<<<blocks, kThreads, 0, static_cast<cudaStream_t>(stream)>>>(rows, label, log_prior, log_z);
  check_cuda(cudaGetLastError(), "class_gaussian");
}

}  // namespace potluck::models
