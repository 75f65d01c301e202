// SPDX-License-Identifier: Apache-2.0
#include "core/device/cuda/runtime.h"

#include <fmt/format.h>

#include "core/error.h"

namespace potluck::cuda {

void check(cudaError_t status, const char* what) {
  if (status == cudaSuccess) return;
  throw NumericalError(fmt::format("cuda: {} failed: {} ({}). Use --device cpu, or fewer chains if it is memory", what,
                                   cudaGetErrorString(status), cudaGetErrorName(status)));
}

void upload(const void* to, const void* from, size_t bytes) {
  check(cudaMemcpy(const_cast<void*>(to), from, bytes, cudaMemcpyHostToDevice), "copying to the device");
  check(cudaStreamSynchronize(cudaStreamLegacy), "copying to the device");
}

Memory::Memory(size_t bytes) {
  void* memory = nullptr;
  const size_t least = bytes > 0 ? bytes : 1;
  check(cudaMalloc(&memory, least), fmt::format("allocating {} bytes", least).c_str());
  memory_.reset(memory);
  check(cudaMemset(memory, 0, least), "clearing memory");
  // The runtime may clear later, and streams of ours wait for nothing.
  check(cudaStreamSynchronize(cudaStreamLegacy), "clearing memory");
}

void Memory::Free::operator()(void* memory) const { cudaFree(memory); }

}  // namespace potluck::cuda
