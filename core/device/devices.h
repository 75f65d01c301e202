// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <type_traits>
#include <vector>

#include "core/precision.h"

namespace potluck {

/// Names of the CUDA devices that a run could use, such as "NVIDIA H100 80GB HBM3"; empty where the build has no CUDA,
/// there is no driver, or no device.
std::vector<std::string> cuda_devices();

/// Whether this build has the CUDA backend.
bool has_cuda_backend();

/// @throws SettingError: the device must be cpu.
[[noreturn]] void refuse_cuda();

/// `function` where this build has the CUDA backend; else nothing, for for_device().
#ifdef POTLUCK_HAVE_CUDA
#define POTLUCK_WITH_CUDA(function) function
#else
#define POTLUCK_WITH_CUDA(function) nullptr
#endif

/// What a device needs, made by on_cpu(arguments...) or on_cuda(arguments..., index of the device).
/// @param on_cuda  POTLUCK_WITH_CUDA(a function)
/// @throws SettingError where this build has no CUDA backend and the device is one
template <class OnCpu, class OnCuda, class... Arguments>
auto for_device(const Device& device, OnCpu on_cpu, OnCuda on_cuda, const Arguments&... arguments) {
  if (device.kind == Device::Kind::kCpu) return on_cpu(arguments...);
  if constexpr (std::is_same_v<OnCuda, std::nullptr_t>)
    refuse_cuda();
  else
    return on_cuda(arguments..., device.index);
}

}  // namespace potluck
