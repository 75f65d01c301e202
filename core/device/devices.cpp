// SPDX-License-Identifier: Apache-2.0
#include "core/device/devices.h"

#include "core/error.h"

#ifdef POTLUCK_HAVE_CUDA
#include <cuda_runtime_api.h>
#endif

namespace potluck {

#ifdef POTLUCK_HAVE_CUDA

bool has_cuda_backend() { return true; }

std::vector<std::string> cuda_devices() {
  std::vector<std::string> names;
  int count = 0;
  if (cudaGetDeviceCount(&count) != cudaSuccess) {
    cudaGetLastError();  // forget it: no driver is an answer, not a failure
    return names;
  }
  for (int device = 0; device < count; ++device) {
    cudaDeviceProp properties;
    if (cudaGetDeviceProperties(&properties, device) == cudaSuccess) names.emplace_back(properties.name);
  }
  return names;
}

#else

bool has_cuda_backend() { return false; }

std::vector<std::string> cuda_devices() { return {}; }

#endif

void refuse_cuda() {
  throw SettingError("the device must be cpu, got cuda: this build has no CUDA backend. Use --device cpu");
}

}  // namespace potluck
