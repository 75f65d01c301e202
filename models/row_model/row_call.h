// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <limits>

// Functions marked so are compiled for the processor and, in a .cu file, for the GPU: one source for both.
#ifdef __CUDACC__
#define POTLUCK_HOST_DEVICE __host__ __device__ __forceinline__
#else
#define POTLUCK_HOST_DEVICE __attribute__((always_inline)) inline
#endif

namespace potluck::models {

// Constants rather than std::numeric_limits' functions, which device code may not call.
template <class Real>
inline constexpr Real kInfinity = std::numeric_limits<Real>::infinity();
template <class Real>
inline constexpr Real kGreatest = std::numeric_limits<Real>::max();

/// What one coordinate of a row contributes: its share of the energy, and the derivative of the *whole* energy by it.
template <class Real>
struct Term {
  Real energy;
  Real gradient;
};

/// An evaluation of a model of one continuous input, in plain pointers, as loops and kernels take it.
template <class Real>
struct RowCall {
  int64_t rows;
  int64_t n;
  const Real* x;             ///< [rows, n]
  double* energy;            ///< [rows], or null
  Real* gradient;            ///< [rows, n], or null
  const double* row_weight;  ///< [rows], or null for 1: gradients are multiplied by it, energies are not
  bool accumulate;           ///< add to the gradient instead of overwriting it
};

/// A weighted entry of a gradient. A weight of 0 leaves nothing of it, whatever it is: it may be NaN where the energy
/// is +infinity.
template <class Real>
POTLUCK_HOST_DEVICE Real weighted(Real weight, Real gradient) {
  return weight == Real(0) ? Real(0) : weight * gradient;
}

}  // namespace potluck::models
