// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>

#include "models/row_model/row_call.h"

namespace potluck::models {

// The processor's loop over rows. `Terms` is a small value with
//
//   Term<Real> operator()(const Real* x, int64_t i) const          the term of coordinate i of the row x
//
// and, where plain indexing does not vectorise, also
//
//   void fill(const Real* x, int64_t first, int64_t count, Real* energy, Real* gradient) const
//
// with the same results for coordinates first ... first + count - 1. Energies are summed in double over eight lanes in
// a fixed order, so that a row's bits depend neither on the vector width nor on the other rows.

constexpr int64_t kChunk = 256;  ///< coordinates between two visits of the sums; terms of a chunk stay in first cache
constexpr int64_t kLanes = 8;

template <class Terms, class Real>
__attribute__((always_inline)) inline void fill_chunk(const Terms& terms, const Real* __restrict x, int64_t first,
                                                      int64_t count, Real* __restrict energy,
                                                      Real* __restrict gradient) {
  if constexpr (requires { terms.fill(x, first, count, energy, gradient); }) {
    terms.fill(x, first, count, energy, gradient);
  } else {
    for (int64_t j = 0; j < count; ++j) {
      const Term<Real> term = terms(x, first + j);
      energy[j] = term.energy;
      gradient[j] = term.gradient;
    }
  }
}

template <class Terms, class Real>
__attribute__((always_inline)) inline double one_row(const Terms& terms, const Real* x, int64_t n, Real* gradient,
                                                     Real weight, bool accumulate) {
  alignas(64) Real energies[kChunk];
  alignas(64) Real gradients[kChunk];
  alignas(64) double lanes[kLanes] = {};
  const bool direct = gradient != nullptr && !accumulate && weight == Real(1);
  for (int64_t first = 0; first < n; first += kChunk) {
    const int64_t count = std::min(kChunk, n - first);
    fill_chunk(terms, x, first, count, energies, direct ? gradient + first : gradients);
    const int64_t whole = count - count % kLanes;
    for (int64_t j = 0; j < whole; j += kLanes)
      for (int64_t lane = 0; lane < kLanes; ++lane) lanes[lane] += static_cast<double>(energies[j + lane]);
    for (int64_t j = whole; j < count; ++j) lanes[j - whole] += static_cast<double>(energies[j]);
    if (gradient == nullptr || direct) continue;
    Real* __restrict out = gradient + first;
    if (accumulate)
      for (int64_t j = 0; j < count; ++j) out[j] += weighted(weight, gradients[j]);
    else
      for (int64_t j = 0; j < count; ++j) out[j] = weighted(weight, gradients[j]);
  }
  return ((lanes[0] + lanes[4]) + (lanes[2] + lanes[6])) + ((lanes[1] + lanes[5]) + (lanes[3] + lanes[7]));
}

/// Rows of `n` numbers, a few, in one loop that vectorises across rows: what one_row() gives, energy and gradient.
template <int64_t n, bool kAdds, class Terms, class Real>
__attribute__((always_inline)) inline void narrow_rows(const Terms& terms, const RowCall<Real>& call) {
  const Real* __restrict x = call.x;
  Real* __restrict gradient = call.gradient;
  double* __restrict energy = call.energy;
  for (int64_t b = 0; b < call.rows; ++b) {
    double lanes[4] = {};  // those of one_row() that are not empty
    for (int64_t i = 0; i < n; ++i) {
      const Term<Real> term = terms(x + b * n, i);
      lanes[i] += static_cast<double>(term.energy);
      gradient[b * n + i] = kAdds ? gradient[b * n + i] + term.gradient : term.gradient;
    }
    energy[b] = n == 1   ? lanes[0]
                : n == 2 ? lanes[0] + lanes[1]
                : n == 3 ? (lanes[0] + lanes[2]) + lanes[1]
                         : (lanes[0] + lanes[2]) + (lanes[1] + lanes[3]);
  }
}

template <bool kAdds, class Terms, class Real>
__attribute__((always_inline)) inline bool were_narrow(const Terms& terms, const RowCall<Real>& call) {
  if (call.n == 1) narrow_rows<1, kAdds>(terms, call);
  if (call.n == 2) narrow_rows<2, kAdds>(terms, call);
  if (call.n == 3) narrow_rows<3, kAdds>(terms, call);
  if (call.n == 4) narrow_rows<4, kAdds>(terms, call);
  return call.n <= 4;
}

template <class Terms, class Real>
__attribute__((always_inline)) inline void all_rows(const Terms& terms, const RowCall<Real>& call) {
  const bool whole = call.energy != nullptr && call.gradient != nullptr && call.row_weight == nullptr;
  if (whole && !call.accumulate && were_narrow<false>(terms, call)) return;
  if (whole && call.accumulate && were_narrow<true>(terms, call)) return;
  for (int64_t b = 0; b < call.rows; ++b) {
    const Real weight = call.row_weight ? static_cast<Real>(call.row_weight[b]) : Real(1);
    Real* gradient = call.gradient ? call.gradient + b * call.n : nullptr;
    const double energy = one_row(terms, call.x + b * call.n, call.n, gradient, weight, call.accumulate);
    if (call.energy != nullptr) call.energy[b] = energy;
  }
}

template <class Terms, class Real>
__attribute__((noinline)) void all_rows_anywhere(const Terms& terms, const RowCall<Real>& call) {
  all_rows(terms, call);
}

#if defined(__x86_64__)
// The same loop compiled for processors with AVX2 and with AVX-512. Nothing is contracted to fused multiply-adds
// (-ffp-contract=off), so the results are the same bits.
template <class Terms, class Real>
__attribute__((noinline, target("arch=x86-64-v3"))) void all_rows_avx2(const Terms& terms, const RowCall<Real>& call) {
  all_rows(terms, call);
}

template <class Terms, class Real>
__attribute__((noinline, target("arch=x86-64-v4"))) void all_rows_avx512(const Terms& terms,
                                                                         const RowCall<Real>& call) {
  all_rows(terms, call);
}

inline bool runs_avx2() {
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi2");
}

inline bool runs_avx512() {
  return runs_avx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
}
#endif

template <class Terms, class Real>
void evaluate_on_cpu(const Terms& terms, const RowCall<Real>& call) {
#if defined(__x86_64__)
  if (runs_avx512()) return all_rows_avx512(terms, call);
  if (runs_avx2()) return all_rows_avx2(terms, call);
#endif
  all_rows_anywhere(terms, call);
}

}  // namespace potluck::models
