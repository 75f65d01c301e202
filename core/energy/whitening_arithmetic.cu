// SPDX-License-Identifier: Apache-2.0
#include "core/device/cuda/launch.cuh"
#include "core/device/cuda/runtime.h"
#include "core/energy/whitening_arithmetic_cuda.h"
#include "core/energy/whitening_element.h"

namespace potluck {

namespace {

using cuda::blocks_for, cuda::item_of_thread, cuda::kThreads, cuda::of;

template <class Real>
__global__ void gather_kernel(JointShare share, const Real* values, double* joint) {
  const int64_t item = item_of_thread();
  if (item >= share.rows * share.count) return;
  const int64_t row = item / share.count, i = item % share.count;
  joint[row * share.joint + share.first + i] = static_cast<double>(values[row * share.n + share.which[i]]);
}

template <class Real>
__global__ void scatter_kernel(JointShare share, const double* joint, Real* values) {
  const int64_t item = item_of_thread();
  if (item >= share.rows * share.count) return;
  const int64_t row = item / share.count, i = item % share.count;
  values[row * share.n + share.which[i]] = static_cast<Real>(joint[row * share.joint + share.first + i]);
}

// A thread a number: neighbours read neighbours of the factor, and one number of the row.
__global__ void positions_kernel(int64_t rows, int64_t d, const double* mean, const double* by_column, const double* z,
                                 double* x) {
  const int64_t item = item_of_thread();
  if (item >= rows * d) return;
  x[item] = element::whitened_position(d, item % d, mean, by_column, z + item / d * d);
}

__global__ void gradients_kernel(int64_t rows, int64_t d, const double* by_row, const double* g, double* h) {
  const int64_t item = item_of_thread();
  if (item >= rows * d) return;
  h[item] = element::whitened_gradient(d, item % d, by_row, g + item / d * d);
}

template <class Real>
class CudaWhiteningArithmetic final : public WhiteningArithmetic {
 public:
  explicit CudaWhiteningArithmetic(int device) : device_(device) {}

  std::shared_ptr<void> allocate(size_t bytes) const override {
    cuda::check(cudaSetDevice(device_), "choosing the device");
    const auto memory = std::make_shared<cuda::Memory>(bytes);
    return {memory, memory->get()};
  }

  void upload(void* to, const void* from, size_t bytes) const override {
    cuda::check(cudaSetDevice(device_), "choosing the device");
    cuda::check(cudaDeviceSynchronize(), "waiting for the chains");
    cuda::upload(to, from, bytes);
  }

  void copy(void* to, const void* from, size_t bytes, void* stream) const override {
    cuda::check(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToDevice, of(stream)), "copying positions");
  }

  void gather(const JointShare& share, const void* values, double* joint, void* stream) const override {
    gather_kernel<<<blocks_for(share.rows * share.count), kThreads, 0, of(stream)>>>(
        share, static_cast<const Real*>(values), joint);
    cuda::check(cudaGetLastError(), "gathering coordinates");
  }

  void scatter(const JointShare& share, const double* joint, void* values, void* stream) const override {
    scatter_kernel<<<blocks_for(share.rows * share.count), kThreads, 0, of(stream)>>>(share, joint,
                                                                                      static_cast<Real*>(values));
    cuda::check(cudaGetLastError(), "scattering coordinates");
  }

  void positions(int64_t rows, int64_t d, const double* mean, const double* by_column, const double* z, double* x,
                 void* stream) const override {
    positions_kernel<<<blocks_for(rows * d), kThreads, 0, of(stream)>>>(rows, d, mean, by_column, z, x);
    cuda::check(cudaGetLastError(), "making positions of whitened coordinates");
  }

  void gradients(int64_t rows, int64_t d, const double* by_row, const double* g, double* h,
                 void* stream) const override {
    gradients_kernel<<<blocks_for(rows * d), kThreads, 0, of(stream)>>>(rows, d, by_row, g, h);
    cuda::check(cudaGetLastError(), "making gradients of whitened coordinates");
  }

 private:
  int device_;
};

}  // namespace

std::unique_ptr<WhiteningArithmetic> cuda_whitening_arithmetic(Precision precision, int device) {
  if (precision == Precision::kFloat32) return std::make_unique<CudaWhiteningArithmetic<float>>(device);
  return std::make_unique<CudaWhiteningArithmetic<double>>(device);
}

}  // namespace potluck
