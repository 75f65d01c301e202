// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace potluck {

/// Vector instructions that loops are compiled for beside those that every processor of the kind has.
enum class VectorUnit : uint8_t { kBaseline, kAvx2, kAvx512 };

/// The widest that this processor has.
VectorUnit vector_unit();

}  // namespace potluck

/// A function marked so is compiled for that unit; what it calls must be inlined to be so too. Nothing is contracted to
/// fused multiply-adds (CMakeLists.txt), so that all versions give the same bits.
#define POTLUCK_ALWAYS_INLINE inline __attribute__((always_inline))
#if defined(__x86_64__)
#define POTLUCK_FOR_AVX2 __attribute__((noinline, target("arch=x86-64-v3")))
#if defined(__clang__)  // which knows no preferred width there; it computes the same bits in narrower registers
#define POTLUCK_FOR_AVX512 __attribute__((noinline, target("arch=x86-64-v4")))
#else
#define POTLUCK_FOR_AVX512 __attribute__((noinline, target("arch=x86-64-v4,prefer-vector-width=512")))
#endif
#endif
