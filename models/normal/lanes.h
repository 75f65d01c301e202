// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

/// A function marked so is compiled for plain x86-64, AVX2 and AVX-512, and the one that fits is chosen when the plugin
/// is loaded. Without contraction to fused multiply-adds all give the same bits.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#define POTLUCK_VECTOR_VERSIONS __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define POTLUCK_VECTOR_VERSIONS
#endif
/// What such a function calls must become part of it, or it is not compiled for the wider vectors.
#define POTLUCK_INLINE inline __attribute__((always_inline))

/// A loop over lanes that stays one. Left to itself g++ unrolls a loop as short as this before it looks for vector
/// instructions, and then finds fewer.
// NOLINTBEGIN(bugprone-macro-parentheses): the argument is the name of a new variable.
#if defined(__GNUC__) && !defined(__clang__)
#define POTLUCK_FOR_LANES(lane) _Pragma("GCC unroll 1") for (int64_t lane = 0; lane < kLanes; ++lane)
#else
#define POTLUCK_FOR_LANES(lane) for (int64_t lane = 0; lane < kLanes; ++lane)
#endif
// NOLINTEND(bugprone-macro-parentheses)

namespace potluck::models {

/// Lanes: kLanes rows of a batch side by side. An array [n, kLanes] holds coordinate i of row l at [i * kLanes + l], so
/// that loops over l become vector instructions and every row goes through the same operations in the same order
/// whatever its company.
inline constexpr int64_t kLanes = 16;

/// Rows `row[0] .. row[count - 1]` of `rows` [B, n] into lanes; lanes beyond `count` repeat the first row.
template <class Real>
POTLUCK_INLINE void load_lanes(const Real* rows, int64_t n, const int64_t* row, int64_t count, Real* lanes) {
  for (int64_t l = 0; l < kLanes; ++l) {
    const Real* from = rows + row[l < count ? l : 0] * n;
    for (int64_t i = 0; i < n; ++i) lanes[i * kLanes + l] = from[i];
  }
}

/// Lanes out to rows of the gradient [B, n], multiplied by the rows' weights (null: 1) and overwriting or adding.
template <class Real>
POTLUCK_INLINE void store_lanes(const Real* lanes, int64_t n, const int64_t* row, int64_t count,
                                const double* row_weight, bool accumulate, Real* gradient) {
  for (int64_t l = 0; l < count; ++l) {
    Real* to = gradient + row[l] * n;
    const Real weight = row_weight != nullptr ? static_cast<Real>(row_weight[row[l]]) : Real(1);
    if (accumulate)
      for (int64_t i = 0; i < n; ++i) to[i] += weight * lanes[i * kLanes + l];
    else
      for (int64_t i = 0; i < n; ++i) to[i] = weight * lanes[i * kLanes + l];
  }
}

/// load_lanes() and store_lanes() of kLanes rows that follow each other, of `n` numbers, a few, which takes vectors.
template <int64_t n, class Real>
POTLUCK_INLINE void load_narrow_rows(const Real* __restrict rows, Real* __restrict lanes) {
  POTLUCK_FOR_LANES (l)
    for (int64_t i = 0; i < n; ++i) lanes[i * kLanes + l] = rows[l * n + i];
}
template <int64_t n, class Real>
POTLUCK_INLINE void store_narrow_rows(const Real* __restrict lanes, Real* __restrict gradient) {
  POTLUCK_FOR_LANES (l)
    for (int64_t i = 0; i < n; ++i) gradient[l * n + i] = lanes[i * kLanes + l];
}

/// load_lanes() and store_lanes() of the rows first ... first + count - 1.
template <class Real>
POTLUCK_INLINE void load_next_rows(const Real* rows, int64_t n, int64_t first, int64_t count, Real* lanes) {
  if (count == kLanes && n == 1) return load_narrow_rows<1>(rows + first, lanes);
  if (count == kLanes && n == 2) return load_narrow_rows<2>(rows + first * 2, lanes);
  if (count == kLanes && n == 4) return load_narrow_rows<4>(rows + first * 4, lanes);
  int64_t row[kLanes];
  for (int64_t l = 0; l < kLanes; ++l) row[l] = first + l;
  load_lanes(rows, n, row, count, lanes);
}
template <class Real>
POTLUCK_INLINE void store_next_rows(const Real* lanes, int64_t n, int64_t first, int64_t count,
                                    const double* row_weight, bool accumulate, Real* gradient) {
  if (count == kLanes && row_weight == nullptr && !accumulate) {
    if (n == 1) return store_narrow_rows<1>(lanes, gradient + first);
    if (n == 2) return store_narrow_rows<2>(lanes, gradient + first * 2);
    if (n == 4) return store_narrow_rows<4>(lanes, gradient + first * 4);
  }
  int64_t row[kLanes];
  for (int64_t l = 0; l < kLanes; ++l) row[l] = first + l;
  store_lanes(lanes, n, row, count, row_weight, accumulate, gradient);
}

/// out = base + sign * M in, with M [p, q], in [q, kLanes], out and base [p, kLanes]; base null: zero, or out itself.
/// Four rows of M at a time, so that `in` is read a quarter as often.
template <class Real>
POTLUCK_INLINE void multiply_lanes(const Real* matrix, int64_t p, int64_t q, const Real* in, const Real* base,
                                   Real sign, Real* out) {
  int64_t i = 0;
  for (; i + 4 <= p; i += 4) {
    Real sum[4][kLanes] = {};
    for (int64_t j = 0; j < q; ++j)
      for (int64_t k = 0; k < 4; ++k) {
        const Real factor = matrix[(i + k) * q + j];
        for (int64_t l = 0; l < kLanes; ++l) sum[k][l] += factor * in[j * kLanes + l];
      }
    for (int64_t k = 0; k < 4; ++k)
      for (int64_t l = 0; l < kLanes; ++l) {
        const int64_t at = (i + k) * kLanes + l;
        out[at] = (base != nullptr ? base[at] : Real(0)) + sign * sum[k][l];
      }
  }
  for (; i < p; ++i) {
    Real sum[kLanes] = {};
    for (int64_t j = 0; j < q; ++j) {
      const Real factor = matrix[i * q + j];
      for (int64_t l = 0; l < kLanes; ++l) sum[l] += factor * in[j * kLanes + l];
    }
    for (int64_t l = 0; l < kLanes; ++l) {
      const int64_t at = i * kLanes + l;
      out[at] = (base != nullptr ? base[at] : Real(0)) + sign * sum[l];
    }
  }
}

/// sum[l] += sum_i a[i, l] b[i, l], added up in double in the order of i.
template <class Real>
POTLUCK_INLINE void dot_lanes(const Real* a, const Real* b, int64_t n, double* sum) {
  for (int64_t i = 0; i < n; ++i)
    for (int64_t l = 0; l < kLanes; ++l) sum[l] += static_cast<double>(a[i * kLanes + l] * b[i * kLanes + l]);
}

}  // namespace potluck::models
