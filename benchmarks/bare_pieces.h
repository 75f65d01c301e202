// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "benchmarks/timing.h"
#include "core/backend/cpu_rows.h"

namespace potluck::benchmarks {

/// The two pieces that a Langevin step on a Gaussian cannot do without, on tiles and by the threads of a run: a
/// thread takes a tile through all steps, as the sampler does.
Timing time_matrix_product(int64_t chains, int64_t n, int threads, const Effort& effort);
Timing time_noise_and_update(const RowKernels& kernels, int64_t chains, int64_t n, int threads, const Effort& effort);

}  // namespace potluck::benchmarks
