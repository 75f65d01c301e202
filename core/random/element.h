// SPDX-License-Identifier: Apache-2.0
#pragma once

// The elements that noise and update are made of: one source for scalar code, for loops that the compiler vectorises
// and for CUDA kernels. Only correctly rounded operations (int to float, +, x, fma, sqrt) are used, so all of them
// give the same bits (docs/noise.md).
//
// Everything here has internal linkage, and nothing of the standard library is called: a file compiled for a wider
// vector unit must not leave a copy that the linker may hand to the rest of the program.

#include <cstdint>

#if defined(__CUDACC__)
#define POTLUCK_ELEMENT __host__ __device__ static __forceinline__
#else
#define POTLUCK_ELEMENT [[maybe_unused]] static inline __attribute__((always_inline))
#endif

namespace potluck::element {

POTLUCK_ELEMENT float fma(float a, float b, float c) {
#if defined(__CUDA_ARCH__)
  return __fmaf_rn(a, b, c);
#else
  return __builtin_fmaf(a, b, c);
#endif
}

POTLUCK_ELEMENT double fma(double a, double b, double c) {
#if defined(__CUDA_ARCH__)
  return __fma_rn(a, b, c);
#else
  return __builtin_fma(a, b, c);
#endif
}

POTLUCK_ELEMENT float square_root(float a) {
#if defined(__CUDA_ARCH__)
  return __fsqrt_rn(a);
#else
  return __builtin_sqrtf(a);
#endif
}

POTLUCK_ELEMENT uint32_t bits(float a) {
#if defined(__CUDA_ARCH__)
  return __float_as_uint(a);
#else
  return __builtin_bit_cast(uint32_t, a);
#endif
}

POTLUCK_ELEMENT float from_bits(uint32_t a) {
#if defined(__CUDA_ARCH__)
  return __uint_as_float(a);
#else
  return __builtin_bit_cast(float, a);
#endif
}

// Philox4x32-10, Salmon, Moraes, Dror & Shaw 2011: multipliers and key increments of table 2.
constexpr uint32_t kMultiplier0 = 0xD2511F53u;
constexpr uint32_t kMultiplier1 = 0xCD9E8D57u;
constexpr uint32_t kWeyl0 = 0x9E3779B9u;
constexpr uint32_t kWeyl1 = 0xBB67AE85u;
constexpr int kRounds = 10;

POTLUCK_ELEMENT void philox_round(uint32_t& c0, uint32_t& c1, uint32_t& c2, uint32_t& c3, uint32_t key0,
                                  uint32_t key1) {
  const uint64_t p0 = uint64_t{kMultiplier0} * c0;
  const uint64_t p1 = uint64_t{kMultiplier1} * c2;
  const uint32_t n0 = static_cast<uint32_t>(p1 >> 32) ^ c1 ^ key0;
  const uint32_t n2 = static_cast<uint32_t>(p0 >> 32) ^ c3 ^ key1;
  c0 = n0;
  c1 = static_cast<uint32_t>(p1);
  c2 = n2;
  c3 = static_cast<uint32_t>(p0);
}

POTLUCK_ELEMENT void philox(uint32_t& c0, uint32_t& c1, uint32_t& c2, uint32_t& c3, uint32_t key0, uint32_t key1) {
  for (int round = 0; round < kRounds; ++round) {
    philox_round(c0, c1, c2, c3, key0, key1);
    key0 += kWeyl0;
    key1 += kWeyl1;
  }
}

// log of x in (0, 1]; largest relative error 8e-8. Range split at sqrt(1/2), polynomial of Cephes' logf.
POTLUCK_ELEMENT float log_unit(float x) {
  const uint32_t shifted = bits(x) - 0x3f3504f3u;
  const int32_t exponent = static_cast<int32_t>(shifted) >> 23;
  const float m = from_bits((shifted & 0x7fffffu) + 0x3f3504f3u) - 1.0f;
  float p = 7.0376836292e-2f;
  p = fma(p, m, -1.1514610310e-1f);
  p = fma(p, m, 1.1676998740e-1f);
  p = fma(p, m, -1.2420140846e-1f);
  p = fma(p, m, 1.4249322787e-1f);
  p = fma(p, m, -1.6668057665e-1f);
  p = fma(p, m, 2.0000714765e-1f);
  p = fma(p, m, -2.4999993993e-1f);
  p = fma(p, m, 3.3333331174e-1f);
  const float z = m * m;
  const float e = static_cast<float>(exponent);
  float y = p * m * z;
  y = fma(e, -2.12194440e-4f, y);
  y = fma(z, -0.5f, y);
  return fma(e, 0.693359375f, m + y);
}

// Box & Muller 1958. The radius takes 31 bits, u = (k + 1/2) 2^-31, so |normal| <= 6.66; the largest k rounds to u = 1,
// radius 0. The angle is in turns: the nearest quarter is taken exactly in integers, the rest lies in [-1/8, 1/8)
// turns, where the polynomials of Cephes' sinf and cosf hold.
POTLUCK_ELEMENT void normal_pair(uint32_t radius_bits, uint32_t angle_bits, float& first, float& second) {
  const float u = fma(static_cast<float>(static_cast<int32_t>(radius_bits >> 1)), 0x1p-31f, 0x1p-32f);
  const float radius = square_root(-2.0f * log_unit(u));
  const int32_t quarter = static_cast<int32_t>((angle_bits + 0x20000000u) >> 30);
  const float t = static_cast<float>(static_cast<int32_t>(angle_bits - (static_cast<uint32_t>(quarter) << 30))) *
                  1.46291807927e-9f;  // 2 pi / 2^32
  const float t2 = t * t;
  float s = fma(t2, -1.9515295891e-4f, 8.3321608736e-3f);
  s = fma(s, t2, -1.6666654611e-1f);
  s = fma(s * t2, t, t);
  float c = fma(t2, 2.443315711809948e-5f, -1.388731625493765e-3f);
  c = fma(c, t2, 4.166664568298827e-2f);
  c = fma(c * t2, t2, fma(t2, -0.5f, 1.0f));
  const float sine = (quarter & 1) ? c : s;
  const float cosine = (quarter & 1) ? s : c;
  first = radius * from_bits(bits(cosine) ^ (static_cast<uint32_t>((quarter + 1) & 2) << 30));
  second = radius * from_bits(bits(sine) ^ (static_cast<uint32_t>(quarter & 2) << 30));
}

// The uniform in (0, 1) of 52 bits that two words make; one bit more and the largest would round to 1.
POTLUCK_ELEMENT double unit_uniform(uint32_t low, uint32_t high) {
  const uint64_t word = (static_cast<uint64_t>(high) << 32) | low;
  return (static_cast<double>(word >> 12) + 0.5) * 0x1p-52;
}

// x - drift g + noise z, rounded twice.
POTLUCK_ELEMENT float langevin(float x, float g, float z, float drift, float noise) {
  return fma(noise, z, fma(-drift, g, x));
}
POTLUCK_ELEMENT double langevin(double x, double g, float z, double drift, double noise) {
  return fma(noise, static_cast<double>(z), fma(-drift, g, x));
}

POTLUCK_ELEMENT float exact_remainder(float a, float b) {
#if defined(__CUDA_ARCH__)
  return fmodf(a, b);
#else
  return __builtin_fmodf(a, b);
#endif
}
POTLUCK_ELEMENT double exact_remainder(double a, double b) {
#if defined(__CUDA_ARCH__)
  return fmod(a, b);
#else
  return __builtin_fmod(a, b);
#endif
}

// y reflected into [least, most], either end of which may be infinite; `sign` is that of the slope of the fold, -1
// after an odd number of reflections. A point inside is returned as it is; a NaN stays one, an infinity becomes one.
template <class Real>
POTLUCK_ELEMENT Real fold(Real y, Real least, Real most, Real& sign) {
  const Real start = y;
  sign = Real(1);
  for (int reflections = 0; reflections < 4; ++reflections) {
    if (y < least) {
      y = least + (least - y);
    } else if (y > most) {
      y = most - (y - most);
    } else {
      return y;
    }
    sign = -sign;
  }
  // A point that is many supports away: the fold has period twice the support, and remainders are exact.
  const Real width = most - least;
  Real along = exact_remainder(start - least, 2 * width);
  if (along < 0) along += 2 * width;
  sign = along > width ? Real(-1) : Real(1);
  const Real inside = least + (along > width ? 2 * width - along : along);
  return inside > most ? most : inside;
}

}  // namespace potluck::element
