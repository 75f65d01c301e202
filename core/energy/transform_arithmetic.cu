// SPDX-License-Identifier: Apache-2.0
#include <cuda_runtime.h>

#include "core/device/cuda/launch.cuh"
#include "core/device/cuda/runtime.h"
#include "core/energy/transform_arithmetic_cuda.h"
#include "core/energy/transform_element.h"

namespace potluck {

namespace {

using Kind = Transform::Kind;

using cuda::blocks_for, cuda::item_of_thread, cuda::kThreads, cuda::of;
using cuda::kWarp, cuda::lane_of_thread, cuda::row_of_warp, cuda::warp_sum;

// One warp a row: lane l takes elements l, l + 32, ..., and the row's sum is folded in one order.
template <Kind kKind, class Real>
__global__ void user_positions_kernel(FreeRows free, Real* x, double* log_slope) {
  const int64_t row = row_of_warp();
  if (row >= free.rows) return;
  const int lane = lane_of_thread();
  double sum = 0;
  for (int64_t j = lane; j < free.n; j += kWarp) {
    const int64_t at = row * free.n + j;
    const Real u = static_cast<const Real*>(free.u)[at];
    if (free.held && free.held[j]) {
      x[at] = u;
      continue;
    }
    const element::UserCoordinate user = element::user_coordinate<kKind>(free.transform, static_cast<double>(u));
    x[at] = static_cast<Real>(user.x);
    sum += user.log_slope;
  }
  sum = warp_sum(sum);
  if (lane == 0) log_slope[row] += sum;
}

template <Kind kKind, class Real>
__global__ void free_gradients_kernel(FreeRows free, double temperature, Real* gradient) {
  const int64_t item = item_of_thread();
  if (item >= free.rows * free.n || (free.held && free.held[item % free.n])) return;
  gradient[item] = static_cast<Real>(
      element::free_gradient<kKind>(free.transform, static_cast<double>(static_cast<const Real*>(free.u)[item]),
                                    static_cast<double>(gradient[item]), temperature));
}

__global__ void subtract_kernel(const double* log_slope, double temperature, int64_t rows, double* energy) {
  const int64_t row = item_of_thread();
  if (row < rows) energy[row] -= temperature * log_slope[row];
}

template <class Real>
class CudaTransformArithmetic final : public TransformArithmetic {
 public:
  explicit CudaTransformArithmetic(int device) : device_(device) {}

  std::shared_ptr<const uint8_t> keep(const std::vector<uint8_t>& mask) const override {
    cuda::check(cudaSetDevice(device_), "choosing the device");
    const auto memory = std::make_shared<cuda::Memory>(mask.size());
    cuda::check(cudaMemcpy(memory->get(), mask.data(), mask.size(), cudaMemcpyHostToDevice), "copying to the device");
    return {memory, static_cast<const uint8_t*>(memory->get())};
  }

  void set_zero(double* log_slope, int64_t rows, void* stream) const override {
    cuda::check(cudaMemsetAsync(log_slope, 0, static_cast<size_t>(rows) * sizeof(double), of(stream)), "clearing sums");
  }

  void user_positions(const FreeRows& free, void* x, double* log_slope, void* stream) const override {
    const int blocks = blocks_for(free.rows * kWarp);
    Real* to = static_cast<Real*>(x);
    switch (free.transform.kind) {
      case Kind::kLogAboveLeast:
        user_positions_kernel<Kind::kLogAboveLeast><<<blocks, kThreads, 0, of(stream)>>>(free, to, log_slope);
        break;
      case Kind::kLogBelowMost:
        user_positions_kernel<Kind::kLogBelowMost><<<blocks, kThreads, 0, of(stream)>>>(free, to, log_slope);
        break;
      default:
        user_positions_kernel<Kind::kLogit><<<blocks, kThreads, 0, of(stream)>>>(free, to, log_slope);
    }
    cuda::check(cudaGetLastError(), "making positions of free coordinates");
  }

  void free_gradients(const FreeRows& free, double temperature, void* gradient, void* stream) const override {
    const int blocks = blocks_for(free.rows * free.n);
    Real* to = static_cast<Real*>(gradient);
    switch (free.transform.kind) {
      case Kind::kLogAboveLeast:
        free_gradients_kernel<Kind::kLogAboveLeast><<<blocks, kThreads, 0, of(stream)>>>(free, temperature, to);
        break;
      case Kind::kLogBelowMost:
        free_gradients_kernel<Kind::kLogBelowMost><<<blocks, kThreads, 0, of(stream)>>>(free, temperature, to);
        break;
      default:
        free_gradients_kernel<Kind::kLogit><<<blocks, kThreads, 0, of(stream)>>>(free, temperature, to);
    }
    cuda::check(cudaGetLastError(), "making gradients of free coordinates");
  }

  void subtract(const double* log_slope, double temperature, int64_t rows, double* energy,
                void* stream) const override {
    subtract_kernel<<<blocks_for(rows), kThreads, 0, of(stream)>>>(log_slope, temperature, rows, energy);
    cuda::check(cudaGetLastError(), "adding the Jacobian");
  }

 private:
  int device_;
};

}  // namespace

std::unique_ptr<TransformArithmetic> cuda_transform_arithmetic(Precision precision, int device) {
  if (precision == Precision::kFloat32) return std::make_unique<CudaTransformArithmetic<float>>(device);
  return std::make_unique<CudaTransformArithmetic<double>>(device);
}

}  // namespace potluck
