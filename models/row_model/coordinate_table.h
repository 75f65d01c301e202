// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "potluck/model/setup.hpp"

#ifdef POTLUCK_HAVE_CUDA
#include <cuda_runtime_api.h>
#endif

namespace potluck::models {

#ifdef POTLUCK_HAVE_CUDA
/// Throws where a call of the CUDA runtime failed.
inline void check_cuda(cudaError_t status, const char* doing) {
  if (status == cudaSuccess) return;
  const int32_t kind = status == cudaErrorMemoryAllocation ? POTLUCK_OUT_OF_MEMORY : POTLUCK_INTERNAL;
  throw plugin::Failure(kind, std::string("CUDA failed ") + doing + ": " + cudaGetErrorString(status));
}

/// Makes a device current for a scope.
class CurrentDevice {
 public:
  explicit CurrentDevice(int device) {
    check_cuda(cudaGetDevice(&before_), "asking for the current device");
    if (before_ != device) check_cuda(cudaSetDevice(device), "choosing a device");
    changed_ = before_ != device;
  }
  ~CurrentDevice() {
    if (changed_) cudaSetDevice(before_);
  }
  CurrentDevice(const CurrentDevice&) = delete;
  CurrentDevice& operator=(const CurrentDevice&) = delete;

 private:
  int before_ = 0;
  bool changed_ = false;
};
#endif

/// Constants of a model, one for each coordinate, in its precision and on its device.
template <class Real>
class CoordinateTable {
 public:
  CoordinateTable(const plugin::Setup& setup, const std::vector<double>& values)
      : values_(values.begin(), values.end()) {
#ifdef POTLUCK_HAVE_CUDA
    if (!setup.on_cuda() || values_.empty()) return;
    const CurrentDevice current(device_index_ = setup.device_index());
    const size_t bytes = values_.size() * sizeof(Real);
    check_cuda(cudaMalloc(reinterpret_cast<void**>(&on_device_), bytes), "allocating a table of constants");
    const cudaError_t copied = cudaMemcpy(on_device_, values_.data(), bytes, cudaMemcpyHostToDevice);
    if (copied != cudaSuccess) cudaFree(on_device_);
    check_cuda(copied, "copying a table of constants");
#else
    (void)setup;
#endif
  }
  ~CoordinateTable() {
#ifdef POTLUCK_HAVE_CUDA
    if (on_device_ == nullptr) return;
    int before = 0;  // no exception may leave a destructor: what fails here is left to the process's end
    if (cudaGetDevice(&before) != cudaSuccess || cudaSetDevice(device_index_) != cudaSuccess) return;
    cudaFree(on_device_);
    cudaSetDevice(before);
#endif
  }
  CoordinateTable(const CoordinateTable&) = delete;
  CoordinateTable& operator=(const CoordinateTable&) = delete;

  /// Where the model's loops or kernels read them.
  const Real* data() const { return on_device_ != nullptr ? on_device_ : values_.data(); }

 private:
  std::vector<Real> values_;
  Real* on_device_ = nullptr;
#ifdef POTLUCK_HAVE_CUDA
  int device_index_ = 0;
#endif
};

}  // namespace potluck::models
