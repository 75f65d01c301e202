// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cuda_runtime.h>

#include <type_traits>

#include "core/backend/cuda/grid_elements.h"
#include "core/backend/cuda/grid_sums.h"
#include "core/device/cuda/launch.cuh"
#include "core/device/cuda/runtime.h"

// How warps are laid over rows.

namespace potluck::cuda {

/// The gradient of the warp's row: in lane 0 |g|^2, and in every lane whether a free coordinate is not finite.
struct Measured {
  double square;
  bool fails;
};
template <class Real>
__device__ Measured measure_gradient(const GridArguments& a, int64_t row) {
  // As a rule the sum is finite, and no coordinate need be looked at alone.
  const double own = square_of_lane<Real>(a, row, lane_of_thread());
  const bool suspect = __any_sync(0xffffffffu, !formula::finite(own));
  const bool fails = suspect && __any_sync(0xffffffffu, fails_in_lane<Real>(a, row, lane_of_thread()));
  return {warp_sum(own), fails};
}

/// Calls launch(Real(), packed) for the type and width of the rows.
template <class Launch>
void for_rows_of(int real, int64_t n, Launch launch) {
  const bool packed = n % 4 == 0;
  if (real == 4) {
    packed ? launch(float(), std::true_type()) : launch(float(), std::false_type());
  } else {
    packed ? launch(double(), std::true_type()) : launch(double(), std::false_type());
  }
}

}  // namespace potluck::cuda
