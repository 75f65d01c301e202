// SPDX-License-Identifier: Apache-2.0
#include "core/device/devices.h"
#include "tests/cuda/cuda_backend.h"

namespace potluck::testing {
namespace {

POTLUCK_TEST_KERNELS(Device, cuda_backend(cuda_devices().empty() ? "no CUDA device is visible" : ""));

}  // namespace
}  // namespace potluck::testing
