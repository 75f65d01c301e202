// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

namespace potluck {

/// Names of the CUDA devices that a run could use, such as "NVIDIA H100 80GB HBM3"; empty where the build has no CUDA,
/// there is no driver, or no device.
std::vector<std::string> cuda_devices();

/// Whether this build has the CUDA backend.
bool has_cuda_backend();

}  // namespace potluck
