// SPDX-License-Identifier: Apache-2.0
#include "core/backend/cpu_rows.h"

namespace potluck {

extern const RowKernels kRowKernels_baseline;
extern const RowKernels kRowKernels_avx2;
extern const RowKernels kRowKernels_avx512;

std::vector<const RowKernels*> all_row_kernels() {
  std::vector<const RowKernels*> all = {&kRowKernels_baseline};
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) all.push_back(&kRowKernels_avx2);
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("fma")) {
    all.push_back(&kRowKernels_avx512);
  }
#endif
  return all;
}

const RowKernels& row_kernels() {
  static const RowKernels& widest = *all_row_kernels().back();
  return widest;
}

}  // namespace potluck
