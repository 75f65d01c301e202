// SPDX-License-Identifier: Apache-2.0
#include <cuda_runtime_api.h>

#include <stdexcept>

#include "models/normal/device_array.h"
#include "models/normal/kernel.cuh"

namespace potluck::models {

std::shared_ptr<const void> copy_to_device(const void* data, size_t bytes, int device) {
  int before = 0;
  check_cuda(cudaGetDevice(&before), "cudaGetDevice");
  check_cuda(cudaSetDevice(device), "cudaSetDevice");
  void* copy = nullptr;
  const cudaError_t allocated = cudaMalloc(&copy, bytes > 0 ? bytes : 1);
  const cudaError_t copied =
      allocated == cudaSuccess ? cudaMemcpy(copy, data, bytes, cudaMemcpyHostToDevice) : allocated;
  cudaSetDevice(before);
  if (allocated != cudaSuccess) throw std::bad_alloc();
  std::shared_ptr<const void> owner(copy, [](void* pointer) { cudaFree(pointer); });
  check_cuda(copied, "cudaMemcpy");
  return owner;
}

}  // namespace potluck::models
