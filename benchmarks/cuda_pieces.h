// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "benchmarks/timing.h"

namespace potluck::benchmarks {

/// On CUDA device 0, float32, enqueued one behind the other as a block of steps is:
/// a copy from device memory to device memory of chains x n numbers, 8 bytes an element;
Timing time_device_copy(int64_t chains, int64_t n, const Effort& effort);
/// and the Langevin update with its noise alone, 12 bytes an element: it reads x and the gradient and writes x.
Timing time_device_update(int64_t chains, int64_t n, const Effort& effort);

}  // namespace potluck::benchmarks
