// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <cstring>

#include "models/row_model/row_call.h"

namespace potluck::models {

// exp and log1p built of correctly rounded operations only (no fused multiply-add, no library call): the same bits on
// every processor and GPU, and loops of them vectorise. Within 2 units in the last place where results are normal.

namespace elementary {
template <class To, class From>
POTLUCK_HOST_DEVICE To bits(From value) {
  static_assert(sizeof(To) == sizeof(From));
  To out;
  memcpy(&out, &value, sizeof out);
  return out;
}
}  // namespace elementary

/// e^x; +infinity above 709, 0 below -708.
POTLUCK_HOST_DEVICE double exponential(double x) {
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
  const uint64_t power = (elementary::bits<uint64_t>(shifted) + 1023u) << 52;  // 2^k
  const double value = p * elementary::bits<double>(power);
  return x > 709.0 ? kInfinity<double> : (x < -708.0 ? 0.0 : value);
}

/// e^x; +infinity above 88, 0 below -87.
POTLUCK_HOST_DEVICE float exponential(float x) {
  constexpr float kShift = 12582912.0f;  // 1.5 * 2^23
  const float y = x > 88.0f ? 88.0f : (x < -87.0f ? -87.0f : x);
  const float shifted = y * 1.44269504f + kShift;
  const float k = shifted - kShift;
  const float r = (y - k * 0.693359375f) - k * -2.12194440e-4f;
  float p = 1.0f / 5040.0f;  // Taylor to r^7: 5e-9
  p = p * r + 1.0f / 720.0f;
  p = p * r + 1.0f / 120.0f;
  p = p * r + 1.0f / 24.0f;
  p = p * r + 1.0f / 6.0f;
  p = p * r + 0.5f;
  p = p * r + 1.0f;
  p = p * r + 1.0f;
  const uint32_t power = (elementary::bits<uint32_t>(shifted) + 127u) << 23;
  const float value = p * elementary::bits<float>(power);
  return x > 88.0f ? kInfinity<float> : (x < -87.0f ? 0.0f : value);
}

/// log(1 + q) for q >= 0, also where q is far below 1; +infinity and NaN as they come.
POTLUCK_HOST_DEVICE double log_one_plus(double q) {
  const double u = 1.0 + q;
  const uint64_t whole = elementary::bits<uint64_t>(u);
  // u = 2^e m with m in [1, 2), then in [0.707, 1.414]; log m = 2 atanh(s), s = (m - 1)/(m + 1).
  double e = elementary::bits<double>((whole >> 52) | 0x4330000000000000u) - (4503599627370496.0 + 1023.0);
  double m = elementary::bits<double>((whole & 0x000fffffffffffffu) | 0x3ff0000000000000u);
  const bool above = m > 1.4142135623730951;
  e = above ? e + 1.0 : e;
  m = above ? m * 0.5 : m;
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
  const double value = e * 6.93147180369123816490e-01 + (e * 1.90821492927058770002e-10 + (log_m + lost));
  return q <= kGreatest<double> ? value : q;
}

POTLUCK_HOST_DEVICE float log_one_plus(float q) {
  const float u = 1.0f + q;
  const uint32_t whole = elementary::bits<uint32_t>(u);
  float e = elementary::bits<float>((whole >> 23) | 0x4b000000u) - (8388608.0f + 127.0f);
  float m = elementary::bits<float>((whole & 0x007fffffu) | 0x3f800000u);
  const bool above = m > 1.41421354f;
  e = above ? e + 1.0f : e;
  m = above ? m * 0.5f : m;
  const float s = (m - 1.0f) / (m + 1.0f);
  const float z = s * s;  // the series to z^5 is good to 2e-9
  float p = 1.0f / 11.0f;
  p = p * z + 1.0f / 9.0f;
  p = p * z + 1.0f / 7.0f;
  p = p * z + 1.0f / 5.0f;
  p = p * z + 1.0f / 3.0f;
  const float log_m = 2.0f * s + 2.0f * s * (z * p);
  const float lost = (q - (u - 1.0f)) / u;
  const float value = e * 0.693359375f + (e * -2.12194440e-4f + (log_m + lost));
  return q <= kGreatest<float> ? value : q;
}

}  // namespace potluck::models
