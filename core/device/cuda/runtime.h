// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cuda_runtime_api.h>

#include <cstddef>
#include <memory>

namespace potluck::cuda {

/// @throws NumericalError "cuda: <what> failed: <the runtime's words>. …" unless `status` is success.
void check(cudaError_t status, const char* what);

/// Copies to the device, and has done so when it returns: streams of ours do not wait for the one that copies.
void upload(const void* to, const void* from, size_t bytes);

/// Memory on the current device, freed with its owner. Zeroed. @throws NumericalError with the size that was asked for.
class Memory {
 public:
  Memory() = default;
  explicit Memory(size_t bytes);
  void* get() const { return memory_.get(); }

 private:
  struct Free {
    void operator()(void* memory) const;
  };
  std::unique_ptr<void, Free> memory_;
};

}  // namespace potluck::cuda
