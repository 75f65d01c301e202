// SPDX-License-Identifier: Apache-2.0
#include "plugins/cuda_context.h"

#ifdef POTLUCK_HAVE_CUDA
#include <cuda_runtime_api.h>
#include <fmt/format.h>

#include "core/device/devices.h"
#include "core/error.h"
#endif

namespace potluck {

#ifdef POTLUCK_HAVE_CUDA

void make_cuda_context(const Device& device) {
  if (device.kind != Device::Kind::kCuda || cuda_devices().empty()) return;
  cudaError_t result = cudaSetDevice(device.index);
  // Since CUDA 12 the line above makes the context; before, the first call that needs one does.
  if (result == cudaSuccess) result = cudaFree(nullptr);
  if (result == cudaSuccess) return;
  cudaGetLastError();  // forget it: it is reported here
  throw SettingError(
      fmt::format("the device must be one that can be used, got cuda:{}: {}. Use --device cpu, or see "
                  "`nvidia-smi` for who uses it",
                  device.index, cudaGetErrorString(result)));
}

#else

void make_cuda_context(const Device&) {}

#endif

}  // namespace potluck
