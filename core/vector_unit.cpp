// SPDX-License-Identifier: Apache-2.0
#include "core/vector_unit.h"

namespace potluck {

namespace {

VectorUnit found() {
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma") || !__builtin_cpu_supports("bmi2"))
    return VectorUnit::kBaseline;
  const bool wide = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                    __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
                    __builtin_cpu_supports("avx512vl");
  return wide ? VectorUnit::kAvx512 : VectorUnit::kAvx2;
#else
  return VectorUnit::kBaseline;
#endif
}

}  // namespace

VectorUnit vector_unit() {
  static const VectorUnit unit = found();
  return unit;
}

}  // namespace potluck
