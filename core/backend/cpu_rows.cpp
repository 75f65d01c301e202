// SPDX-License-Identifier: Apache-2.0
#include "core/backend/cpu_rows.h"

#include "core/vector_unit.h"

namespace potluck {

extern const RowKernels kRowKernels_baseline;
extern const RowKernels kRowKernels_avx2;
extern const RowKernels kRowKernels_avx512;

std::vector<const RowKernels*> all_row_kernels() {
  std::vector<const RowKernels*> all = {&kRowKernels_baseline};
#if defined(__x86_64__)
  if (vector_unit() >= VectorUnit::kAvx2) all.push_back(&kRowKernels_avx2);
  if (vector_unit() >= VectorUnit::kAvx512) all.push_back(&kRowKernels_avx512);
#endif
  return all;
}

const RowKernels& row_kernels() {
  static const RowKernels& widest = *all_row_kernels().back();
  return widest;
}

}  // namespace potluck
