// SPDX-License-Identifier: Apache-2.0
#pragma once

// The elements of a transformed variable: one source for the loops of the processor and for CUDA kernels. All is
// float64, of correctly rounded operations without fused multiply-adds, so that both give the same bits whatever the
// precision of the run; and, as in core/random/element.h, everything has internal linkage.

#include "core/energy/transform.h"
#include "core/random/element.h"

namespace potluck::element {

POTLUCK_ELEMENT uint64_t bits(double a) {
#if defined(__CUDA_ARCH__)
  return static_cast<uint64_t>(__double_as_longlong(a));
#else
  return __builtin_bit_cast(uint64_t, a);
#endif
}

POTLUCK_ELEMENT double from_bits(uint64_t a) {
#if defined(__CUDA_ARCH__)
  return __longlong_as_double(static_cast<long long>(a));
#else
  return __builtin_bit_cast(double, a);
#endif
}

constexpr double kDoubleInfinity = __builtin_huge_val();

// e^x within 2 units in the last place; +infinity above 709, 0 below -708.
POTLUCK_ELEMENT double exponential(double x) {
  constexpr double kShift = 6755399441055744.0;  // 1.5 * 2^52: adding it leaves the nearest integer in the low bits
  // Clamped, so that every intermediate is ordinary; a NaN fails both comparisons and comes out as NaN.
  const double y = x > 709.0 ? 709.0 : (x < -708.0 ? -708.0 : x);
  const double shifted = y * 1.4426950408889634 + kShift;
  const double k = shifted - kShift;
  // ln 2 in two parts (Cody & Waite 1980): k times the first is exact.
  const double r = (y - k * 6.93147180369123816490e-01) - k * 1.90821492927058770002e-10;
  double p = 1.0 / 6227020800.0;  // Taylor to r^13: 4e-18 at |r| = ln(2)/2
  p = p * r + 1.0 / 479001600.0;
  p = p * r + 1.0 / 39916800.0;
  p = p * r + 1.0 / 3628800.0;
  p = p * r + 1.0 / 362880.0;
  p = p * r + 1.0 / 40320.0;
  p = p * r + 1.0 / 5040.0;
  p = p * r + 1.0 / 720.0;
  p = p * r + 1.0 / 120.0;
  p = p * r + 1.0 / 24.0;
  p = p * r + 1.0 / 6.0;
  p = p * r + 0.5;
  p = p * r + 1.0;
  p = p * r + 1.0;
  const double value = p * from_bits((bits(shifted) + 1023u) << 52);  // p 2^k
  return x > 709.0 ? kDoubleInfinity : (x < -708.0 ? 0.0 : value);
}

// log(1 + q) for q in [0, 1], also where q is far below 1. log m = 2 atanh(s), s = (m - 1)/(m + 1), for m = 1 + q or
// its half, in [0.707, 1.414].
POTLUCK_ELEMENT double log_one_plus(double q) {
  const double u = 1.0 + q;
  const bool above = u > 1.4142135623730951;
  const double m = above ? u * 0.5 : u;
  const double s = (m - 1.0) / (m + 1.0);
  const double z = s * s;  // <= 0.0295: the series to z^11 is good to 1e-18
  double p = 1.0 / 23.0;
  p = p * z + 1.0 / 21.0;
  p = p * z + 1.0 / 19.0;
  p = p * z + 1.0 / 17.0;
  p = p * z + 1.0 / 15.0;
  p = p * z + 1.0 / 13.0;
  p = p * z + 1.0 / 11.0;
  p = p * z + 1.0 / 9.0;
  p = p * z + 1.0 / 7.0;
  p = p * z + 1.0 / 5.0;
  p = p * z + 1.0 / 3.0;
  const double log_m = 2.0 * s + 2.0 * s * (z * p);
  const double lost = (q - (u - 1.0)) / u;  // what rounding 1 + q left out
  return (above ? 0.6931471805599453 : 0.0) + (log_m + lost);
}

struct UserCoordinate {
  double x;
  double log_slope;  // log|dx/du|, without the constant log(b - a)
};

// x between its ends: what rounds onto a wall is put next to it. A NaN stays one.
POTLUCK_ELEMENT double strictly_inside(const Transform& t, double x) {
  const double above = x < t.first ? t.first : x;
  return above > t.last ? t.last : above;
}

template <Transform::Kind kKind>
POTLUCK_ELEMENT UserCoordinate user_coordinate(const Transform& t, double u) {
  if constexpr (kKind == Transform::Kind::kLogAboveLeast) {
    const double x = t.least + exponential(u);
    return {strictly_inside(t, x), x > t.last ? -kDoubleInfinity : u};
  } else if constexpr (kKind == Transform::Kind::kLogBelowMost) {
    const double x = t.most - exponential(u);
    return {strictly_inside(t, x), x < t.first ? -kDoubleInfinity : u};
  } else {
    // From the nearer wall, so that a small distance keeps all its digits: e/(1 + e) of the width, e = exp(-|u|).
    const double size = u < 0.0 ? -u : u;
    const double e = exponential(-size);
    const double distance = (t.most - t.least) * (e / (1.0 + e));
    return {strictly_inside(t, u < 0.0 ? t.least + distance : t.most - distance), -size - 2.0 * log_one_plus(e)};
  }
}

// dE/dx dx/du - T d log|dx/du| / du.
template <Transform::Kind kKind>
POTLUCK_ELEMENT double free_gradient(const Transform& t, double u, double gradient, double temperature) {
  if constexpr (kKind == Transform::Kind::kLogAboveLeast) {
    return gradient * exponential(u) - temperature;
  } else if constexpr (kKind == Transform::Kind::kLogBelowMost) {
    return -(gradient * exponential(u)) - temperature;
  } else {
    // dx/du = (b - a) e/(1 + e)^2, and -d log|dx/du| / du = tanh(u/2).
    const double e = exponential(u < 0.0 ? u : -u);
    const double whole = 1.0 + e;
    const double push = temperature * ((1.0 - e) / whole);
    return gradient * ((t.most - t.least) * (e / whole / whole)) + (u < 0.0 ? -push : push);
  }
}

}  // namespace potluck::element
