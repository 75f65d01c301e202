// SPDX-License-Identifier: Apache-2.0
#include "models/gaussian_mixture/mixture_task.h"
#include "models/normal/kernel.cuh"

namespace potluck::models {
namespace {

constexpr int kThreads = 128;

/// (P_k (x - m_k))_i
template <class Real>
__device__ Real score(const MixtureLaws<Real>& laws, const Real* x, int64_t k, int64_t i) {
  const int64_t n = laws.n;
  const Real* mean = laws.mean + k * n;
  if (!laws.full) return laws.precision[k * n + i] * (x[i] - mean[i]);
  Real sum = 0;
  // P is symmetric: threads of a warp, at neighbouring i, read neighbouring numbers.
  for (int64_t j = 0; j < n; ++j) sum += laws.precision[(k * n + j) * n + i] * (x[j] - mean[j]);
  return sum;
}

/// kGroup threads a row: one where rows are narrow, a warp where they are wide.
template <class Real, int kGroup>
__global__ void evaluate_rows(MixtureTask<Real> task) {
  const MixtureLaws<Real> laws = task.laws;
  const int64_t row = (blockIdx.x * static_cast<int64_t>(kThreads) + threadIdx.x) / kGroup;
  const int lane = threadIdx.x % kGroup;
  if (row >= task.rows) return;
  const Real* x = task.x + row * laws.n;
  double* distance = static_cast<double*>(task.workspace) + row * laws.components;
  double least = 0;
  for (int64_t k = 0; k < laws.components; ++k) {
    double sum = 0;
    for (int64_t i = lane; i < laws.n; i += kGroup)
      sum += static_cast<double>(score(laws, x, k, i) * (x[i] - laws.mean[k * laws.n + i]));
    if constexpr (kGroup > 1) sum = warp_sum(sum);
    const double mine = 0.5 * sum + laws.constant[k];
    if (lane == 0) distance[k] = mine;
    least = k == 0 || mine < least ? mine : least;
  }
  if constexpr (kGroup > 1) __syncwarp();
  double total = 0;
  for (int64_t k = 0; k < laws.components; ++k) total += exp(least - distance[k]);
  const double energy = least - log(total);
  if (lane == 0 && task.energy != nullptr) task.energy[row] = energy;
  if (task.gradient == nullptr) return;
  for (int64_t i = lane; i < laws.n; i += kGroup) {
    Real sum = 0;
    for (int64_t k = 0; k < laws.components; ++k) {
      const Real share = static_cast<Real>(exp(energy - distance[k]));
      if (share > 0) sum += share * score(laws, x, k, i);
    }
    put_gradient(task.gradient + row * laws.n + i, sum, task.row_weight, row, task.accumulate);
  }
}

template <class Real>
void launch_rows(const MixtureTask<Real>& task, void* stream) {
  const cudaStream_t on = static_cast<cudaStream_t>(stream);
  if (task.laws.n < kWarp) {
    const auto blocks = static_cast<unsigned>((task.rows + kThreads - 1) / kThreads);
    evaluate_rows<Real, 1><<<blocks, kThreads, 0, on>>>(task);
  } else {
    const int64_t rows_a_block = kThreads / kWarp;
    const auto blocks = static_cast<unsigned>((task.rows + rows_a_block - 1) / rows_a_block);
    evaluate_rows<Real, kWarp><<<blocks, kThreads, 0, on>>>(task);
  }
  check_cuda(cudaGetLastError(), "gaussian_mixture");
}

}  // namespace

void launch(const MixtureTask<float>& task, void* stream) { launch_rows(task, stream); }
void launch(const MixtureTask<double>& task, void* stream) { launch_rows(task, stream); }

}  // namespace potluck::models
