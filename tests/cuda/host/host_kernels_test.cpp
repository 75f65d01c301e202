// SPDX-License-Identifier: Apache-2.0
// The grids of CUDA, on a device made of the host.
#include "tests/cuda/cuda_backend.h"

namespace potluck::testing {
namespace {

POTLUCK_TEST_KERNELS(Host, cuda_backend(""));

}  // namespace
}  // namespace potluck::testing
