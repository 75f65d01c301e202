// SPDX-License-Identifier: Apache-2.0
#pragma once

// What the threads of grids_*.cu do is written in grid_*.h for host and device alike, so that it is compared with the
// loops of the CPU where there is no device too (tests/cuda/host). A thread moves four neighbouring elements, those of
// one counter of the noise. The formulas are those of core/backend/rows, so that everything is rounded as on the CPU; a
// scale that is not there is 1, which changes no bit.

#include "core/backend/cuda/grids.h"
#include "core/device/cuda/warp.h"
#include "core/random/element.h"

#if defined(__CUDACC__)
#define POTLUCK_GRID __host__ __device__ __forceinline__
#else
#define POTLUCK_GRID inline
#endif

#if defined(__CUDA_ARCH__)
#define POTLUCK_GRID_UNROLL _Pragma("unroll 8")
#else
#define POTLUCK_GRID_UNROLL
#endif

namespace potluck::cuda {

/// Four neighbouring elements of one row, or those that are left at its end.
struct Four {
  int64_t row = 0, column = 0;
  int64_t at = 0;  ///< in [rows, n]
  int count = 4;
};

POTLUCK_GRID int64_t fours_of(int64_t n) { return (n + 3) / 4; }

POTLUCK_GRID Four four_of(int64_t n, int64_t row, int64_t counter) {
  const int64_t column = 4 * counter, left = n - column;
  return {row, column, row * n + column, left < 4 ? static_cast<int>(left) : 4};
}

/// Their values; zero where there is no element. Read and written at once where n is a multiple of 4.
template <class Real>
struct Pack {
  alignas(4 * sizeof(Real)) Real at[4];
};

template <class Real, bool kPacked>
POTLUCK_GRID Pack<Real> load(const void* array, int64_t at, int count) {
  const Real* from = static_cast<const Real*>(array) + at;
  if constexpr (kPacked) {
    return *reinterpret_cast<const Pack<Real>*>(from);
  } else {
    Pack<Real> pack;
    for (int k = 0; k < 4; ++k) pack.at[k] = k < count ? from[k] : Real(0);
    return pack;
  }
}

template <class Real, bool kPacked>
POTLUCK_GRID void store(void* array, int64_t at, int count, const Pack<Real>& pack) {
  Real* to = static_cast<Real*>(array) + at;
  if constexpr (kPacked) {
    *reinterpret_cast<Pack<Real>*>(to) = pack;
  } else {
    for (int k = 0; k < 4; ++k) {
      if (k < count) to[k] = pack.at[k];
    }
  }
}

template <class Real>
POTLUCK_GRID Pack<Real> filled(Real value) {
  return {{value, value, value, value}};
}

template <class Real, bool kPacked>
POTLUCK_GRID Pack<Real> scale_of(const GridArguments& a, const Four& four) {
  if (!a.scale) return filled(Real(1));
  return load<Real, kPacked>(a.scale, four.column, four.count);
}

/// Where nothing moves: held coordinates, and those that are none.
struct Still {
  bool at[4];
};
POTLUCK_GRID Still still_of(const GridArguments& a, const Four& four) {
  Still still;
  for (int k = 0; k < 4; ++k) still.at[k] = k >= four.count || (a.held && a.held[four.column + k]);
  return still;
}

POTLUCK_GRID bool is_frozen(const GridArguments& a, int64_t row) { return a.frozen && a.frozen[row]; }
POTLUCK_GRID bool is_held(const GridArguments& a, int64_t column) { return a.held && a.held[column]; }

/// Counts what was folded back. Whole numbers in float64 have one sum in every order.
POTLUCK_GRID void count_reflected(const GridArguments& a, int64_t row, int count) {
  if (count == 0 || !a.reflected) return;
#if defined(__CUDA_ARCH__)
  atomicAdd(a.reflected + row, static_cast<double>(count));
#else
  a.reflected[row] += count;
#endif
}

POTLUCK_GRID uint32_t step_of(const StepAddress& step) { return *step.base + step.offset; }

POTLUCK_GRID void four_normals(const GridArguments& a, const Four& four, uint32_t purpose, float z[4]) {
  uint32_t c0 = static_cast<uint32_t>(four.column / 4), c1 = a.chain[four.row], c2 = step_of(a.step), c3 = purpose;
  element::philox(c0, c1, c2, c3, a.seed, a.variable);
  element::normal_pair(c0, c1, z[0], z[1]);
  element::normal_pair(c2, c3, z[2], z[3]);
}

}  // namespace potluck::cuda
