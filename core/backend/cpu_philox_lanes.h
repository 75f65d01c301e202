// SPDX-License-Identifier: Apache-2.0

// Philox on several counters at once, included by cpu_rows_loops.h: once for each vector width, without an include
// guard, everything of internal linkage. The intrinsics are always inlined, so that they leave no copies either.

#if defined(__AVX2__)
// Its functions leave undefined what they do not use; g++ 12 takes that for a use.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#include <immintrin.h>
#pragma GCC diagnostic pop
#endif

#include <cstdint>

#include "core/random/element.h"

namespace potluck {
namespace {

constexpr int kLanes = 16;  // counters generated together: a multiple of every vector width

#if defined(__AVX2__)
// A word stands in the low half of a 64-bit lane, and the upper half holds anything: products are of the low halves
// alone. A round is then two products, two shifts and two exclusive ors, where words of 32 bits would first have to be
// spread for their products and gathered again.
#if defined(__AVX512F__)
using Words = __m512i;
constexpr int kWords = 8;
Words words(const uint32_t* from) {
  return _mm512_cvtepu32_epi64(_mm256_load_si256(reinterpret_cast<const __m256i*>(from)));
}
Words everywhere(uint32_t word) { return _mm512_set1_epi64(word); }
Words product(Words a, Words b) { return _mm512_mul_epu32(a, b); }
Words high(Words product) { return _mm512_srli_epi64(product, 32); }
Words exclusive_or(Words a, Words b, Words c) { return _mm512_ternarylogic_epi64(a, b, c, 0x96); }
void store(Words from, uint32_t* to) {
  _mm256_store_si256(reinterpret_cast<__m256i*>(to), _mm512_cvtepi64_epi32(from));
}
#else
using Words = __m256i;
constexpr int kWords = 4;
Words words(const uint32_t* from) {
  return _mm256_cvtepu32_epi64(_mm_load_si128(reinterpret_cast<const __m128i*>(from)));
}
Words everywhere(uint32_t word) { return _mm256_set1_epi64x(word); }
Words product(Words a, Words b) { return _mm256_mul_epu32(a, b); }
Words high(Words product) { return _mm256_srli_epi64(product, 32); }
Words exclusive_or(Words a, Words b, Words c) { return _mm256_xor_si256(_mm256_xor_si256(a, b), c); }
void store(Words from, uint32_t* to) {
  const __m256i low = _mm256_permutevar8x32_epi32(from, _mm256_setr_epi32(0, 2, 4, 6, 0, 2, 4, 6));
  _mm_store_si128(reinterpret_cast<__m128i*>(to), _mm256_castsi256_si128(low));
}
#endif

// The words c0 ... c3 [kLanes] of the counters (c0, c1, step, purpose), in place of them.
__attribute__((always_inline)) inline void philox_lanes(uint32_t* c0, uint32_t* c1, uint32_t* c2, uint32_t* c3,
                                                        uint32_t step, uint32_t purpose, uint32_t key0, uint32_t key1) {
  const Words multiplier0 = everywhere(element::kMultiplier0), multiplier1 = everywhere(element::kMultiplier1);
  constexpr int kTogether = 2;  // chains of rounds that do not wait for each other
  for (int first = 0; first < kLanes; first += kTogether * kWords) {
    Words w0[kTogether], w1[kTogether], w2[kTogether], w3[kTogether];
    for (int i = 0; i < kTogether; ++i) {
      w0[i] = words(c0 + first + i * kWords);
      w1[i] = words(c1 + first + i * kWords);
      w2[i] = everywhere(step);
      w3[i] = everywhere(purpose);
    }
    for (int round = 0; round < element::kRounds; ++round) {
      const Words round_key0 = everywhere(key0 + static_cast<uint32_t>(round) * element::kWeyl0);
      const Words round_key1 = everywhere(key1 + static_cast<uint32_t>(round) * element::kWeyl1);
      for (int i = 0; i < kTogether; ++i) {
        const Words p0 = product(w0[i], multiplier0), p1 = product(w2[i], multiplier1);
        w0[i] = exclusive_or(high(p1), w1[i], round_key0);
        w1[i] = p1;
        w2[i] = exclusive_or(high(p0), w3[i], round_key1);
        w3[i] = p0;
      }
    }
    for (int i = 0; i < kTogether; ++i) {
      store(w0[i], c0 + first + i * kWords);
      store(w1[i], c1 + first + i * kWords);
      store(w2[i], c2 + first + i * kWords);
      store(w3[i], c3 + first + i * kWords);
    }
  }
}
#else
__attribute__((always_inline)) inline void philox_lanes(uint32_t* c0, uint32_t* c1, uint32_t* c2, uint32_t* c3,
                                                        uint32_t step, uint32_t purpose, uint32_t key0, uint32_t key1) {
  for (int i = 0; i < kLanes; ++i) {
    c2[i] = step;
    c3[i] = purpose;
  }
  for (int round = 0; round < element::kRounds; ++round) {
    for (int i = 0; i < kLanes; ++i) element::philox_round(c0[i], c1[i], c2[i], c3[i], key0, key1);
    key0 += element::kWeyl0;
    key1 += element::kWeyl1;
  }
}
#endif

}  // namespace
}  // namespace potluck
