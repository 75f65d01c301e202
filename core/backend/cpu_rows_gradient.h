// SPDX-License-Identifier: Apache-2.0
#pragma once

// What gradients of rows are judged by, included by cpu_rows_loops.h.

#include <cstdint>

#include "core/backend/cpu_rows_patches.h"
#include "core/backend/rows/gradient.h"

namespace potluck {
namespace {

// The squares of at most kPatch elements, element j in lane j % kSquares in every vector width. In Real: that costs a
// tenth of float64, and so few do not lose more than its rounding.
constexpr int kSquares = 16;
template <class Real, class Value>
__attribute__((always_inline)) inline double squares_of(int64_t first, int64_t count, Value value) {
  if (count < kSquares) {
    Real sum = 0;
    for (int64_t j = first; j < first + count; ++j) sum += value(j) * value(j);
    return static_cast<double>(sum);
  }
  Real sums[kSquares] = {};
  int64_t j = 0;
  for (; j + kSquares <= count; j += kSquares) {
    for (int lane = 0; lane < kSquares; ++lane) {
      const Real g = value(first + j + lane);
      sums[lane] += g * g;
    }
  }
  for (int lane = 0; j + lane < count; ++lane) {
    const Real g = value(first + j + lane);
    sums[lane] += g * g;
  }
  for (int apart = kSquares / 2; apart > 0; apart /= 2) {
    for (int lane = 0; lane < apart; ++lane) sums[lane] += sums[lane + apart];
  }
  return static_cast<double>(sums[0]);
}

template <class Real, class Value>
__attribute__((always_inline)) inline double squares_of_row(int64_t n, Value value) {
  double sum = 0;
  for (int64_t j = 0; j < n; j += kPatch) sum += squares_of<Real>(j, least_of(kPatch, n - j), value);
  return sum;
}

// Rows of `n` numbers, a few: all rows in one pass, in the order of squares_of(). False, and nothing done, where a
// square is not finite.
template <class Real, int n>
__attribute__((noinline)) bool squares_of_narrow_rows(const RowArguments& a) {
  const Real* g = static_cast<const Real*>(a.gradient);
  const auto square_of = [g](int64_t row) {
    Real square = 0;
    for (int j = 0; j < n; ++j) square += g[row * n + j] * g[row * n + j];
    return static_cast<double>(square);
  };
  int bad = 0;
  for (int64_t row = 0; row < a.rows; ++row) bad |= !(square_of(row) <= __DBL_MAX__);
  if (bad) return false;
  if (!a.sum) return true;
  double* sum = a.sum;
  if (!a.frozen) {
    for (int64_t row = 0; row < a.rows; ++row) sum[row] += square_of(row);
  } else {
    for (int64_t row = 0; row < a.rows; ++row) sum[row] += a.frozen[row] ? 0.0 : square_of(row);
  }
  return true;
}

template <class Real>
bool squares_of_narrow_rows(const RowArguments& a) {
  if (a.held) return false;
  switch (a.n) {
    case 1:
      return squares_of_narrow_rows<Real, 1>(a);
    case 2:
      return squares_of_narrow_rows<Real, 2>(a);
    case 3:
      return squares_of_narrow_rows<Real, 3>(a);
    case 4:
      return squares_of_narrow_rows<Real, 4>(a);
    default:
      return false;
  }
}

// `number`, or 0 where `held` is 1. By its bits: of `held ? 0 : number` in a loop, g++ 12 makes code for AVX2 that
// takes the mask of one element for its neighbours four further on.
__attribute__((always_inline)) inline float unless_held(float number, uint8_t held) {
  return __builtin_bit_cast(float, __builtin_bit_cast(uint32_t, number) & (uint32_t{held} - 1));
}
__attribute__((always_inline)) inline double unless_held(double number, uint8_t held) {
  return __builtin_bit_cast(double, __builtin_bit_cast(uint64_t, number) & (uint64_t{held} - 1));
}

// Squares add up to something finite only where every one is; where they do not, each is looked at, for their sum may
// be beyond Real alone.
template <class Real>
void gradient_square(const RowArguments& a) {
  if (squares_of_narrow_rows<Real>(a)) return;
  for (int64_t row = 0; row < a.rows; ++row) {
    const Real* g = static_cast<const Real*>(a.gradient) + row * a.n;
    const uint8_t* held = a.held;
    double square = held ? squares_of_row<Real>(a.n, [g, held](int64_t j) { return unless_held(g[j], held[j]); })
                         : squares_of_row<Real>(a.n, [g](int64_t j) { return g[j]; });
    if (!(square <= __DBL_MAX__)) {
      bool bad = false;
      square = 0;
      for (int64_t j = 0; j < a.n; ++j) {
        if (held && held[j]) continue;
        bad |= !formula::finite(g[j]);
        square += formula::square(g[j]);
      }
      if (bad) {
        if (a.flag) a.flag[row] = 1;
        continue;
      }
    }
    if (a.sum && !(a.frozen && a.frozen[row])) a.sum[row] += square;
  }
}

}  // namespace
}  // namespace potluck
