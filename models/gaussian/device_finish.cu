// SPDX-License-Identifier: Apache-2.0
#include "models/gaussian/device_finish.h"
#include "models/normal/kernel.cuh"

namespace potluck::models {
namespace {

constexpr int kThreads = 256;

/// A warp a row.
template <class Real>
__global__ void finish_rows(const __grid_constant__ DeviceFinish<Real> task) {
  const int64_t row = (static_cast<int64_t>(blockIdx.x) * kThreads + threadIdx.x) / kWarp;
  const int lane = static_cast<int>(threadIdx.x) % kWarp;
  if (row >= task.rows) return;
  double sum = 0;
  for (int64_t i = lane; i < task.n; i += kWarp) {
    const int64_t at = row * task.n + i;
    const Real left = task.mean != nullptr ? task.left[at] - task.mean[i] : task.left[at];
    const Real right = task.right != nullptr ? task.right[at] : left;
    const Real slope = task.scale != nullptr ? right * task.scale[i] : right;
    sum += static_cast<double>(left * slope);
    if (task.gradient == nullptr) continue;
    Real* gradient = task.gradient + (task.free != nullptr ? row * task.size + task.free[i] : at);
    put_gradient(gradient, slope, task.row_weight, row, task.accumulate);
  }
  if (task.gradient != nullptr && !task.accumulate)
    for (int64_t k = lane; k < task.held_count; k += kWarp) task.gradient[row * task.size + task.held[k]] = Real(0);
  if (task.energy == nullptr) return;
  for (int64_t k = lane; k < task.rank; k += kWarp) {
    const double factor = static_cast<double>(task.latent[row * task.rank + k]);
    sum += factor * factor;
  }
  sum = warp_sum(sum);
  if (lane == 0) task.energy[row] = task.constant + 0.5 * sum;
}

/// A thread a number.
template <class Real>
__global__ void subtract_mean(const __grid_constant__ DeviceFinish<Real> task, Real* difference) {
  const int64_t at = static_cast<int64_t>(blockIdx.x) * kThreads + threadIdx.x;
  if (at >= task.rows * task.n) return;
  const int64_t row = at / task.n, i = at % task.n;
  const Real x = task.left[row * task.size + task.free[i]];
  difference[at] = task.mean != nullptr ? x - task.mean[i] : x;
}

template <class Real>
void enqueue_subtract(const DeviceFinish<Real>& task, Real* difference, void* stream) {
  const int64_t blocks = (task.rows * task.n + kThreads - 1) / kThreads;
  subtract_mean<<<static_cast<unsigned>(blocks), kThreads, 0, static_cast<cudaStream_t>(stream)>>>(task, difference);
  check_cuda(cudaGetLastError(), "subtracting a Gaussian's mean");
}

template <class Real>
void enqueue(const DeviceFinish<Real>& task, void* stream) {
  const int64_t blocks = (task.rows * kWarp + kThreads - 1) / kThreads;
  finish_rows<<<static_cast<unsigned>(blocks), kThreads, 0, static_cast<cudaStream_t>(stream)>>>(task);
  check_cuda(cudaGetLastError(), "finishing a Gaussian's energies");
}

}  // namespace

void finish_on_device(const DeviceFinish<float>& task, void* stream) { enqueue(task, stream); }
void finish_on_device(const DeviceFinish<double>& task, void* stream) { enqueue(task, stream); }
void subtract_on_device(const DeviceFinish<float>& task, float* difference, void* stream) {
  enqueue_subtract(task, difference, stream);
}
void subtract_on_device(const DeviceFinish<double>& task, double* difference, void* stream) {
  enqueue_subtract(task, difference, stream);
}

}  // namespace potluck::models
