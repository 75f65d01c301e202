// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <utility>

#include "core/backend/cuda/cuda_kernels.h"
#include "core/device/cuda/runtime.h"
#include "tests/core/backend/kernels_suite.h"

namespace potluck::testing {

/// CudaKernels, on whichever device the runtime has.
/// @param missing  why there is none; empty: there is
inline Backend cuda_backend(std::string missing) {
  Backend backend{"cuda", std::move(missing)};
  backend.run = [](std::span<std::byte> memory, uint32_t step, const Backend::Work& work) {
    const cuda::Memory device(memory.size()), step_base(sizeof(uint32_t));
    cuda::upload(device.get(), memory.data(), memory.size());
    auto* base = static_cast<uint32_t*>(step_base.get());
    cuda::set_step(base, step, nullptr);
    CudaKernels kernels(base);
    kernels.begin(step);
    work(kernels, static_cast<std::byte*>(device.get()), nullptr);
    cuda::check(cudaStreamSynchronize(nullptr), "moving chains");
    cuda::check(cudaMemcpy(memory.data(), device.get(), memory.size(), cudaMemcpyDeviceToHost), "copying chains");
  };
  return backend;
}

}  // namespace potluck::testing
