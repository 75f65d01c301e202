// SPDX-License-Identifier: Apache-2.0
#include "core/chains/chains.h"
#include "core/chains/cpu_chains.h"
#include "core/device/devices.h"

#ifdef POTLUCK_HAVE_CUDA
#include "core/chains/cuda/cuda_chains.h"
#endif

namespace potluck {

std::unique_ptr<Chains> make_chains(const Target& target, const ChainsOptions& options) {
  if (target.energy->device().kind == Device::Kind::kCpu) return std::make_unique<CpuChains>(target, options);
#ifdef POTLUCK_HAVE_CUDA
  return std::make_unique<CudaChains>(target, options);
#else
  refuse_cuda();
#endif
}

}  // namespace potluck
