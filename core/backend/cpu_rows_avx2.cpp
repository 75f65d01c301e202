// SPDX-License-Identifier: Apache-2.0
#include "core/backend/cpu_rows_loops.h"

#if !defined(__AVX2__)
#error "this file must be compiled for its vector width: see CMakeLists.txt"
#endif

namespace potluck {

extern const RowKernels kRowKernels_avx2;
constinit const RowKernels kRowKernels_avx2 = {"avx2", normals, typed<float>(), typed<double>()};

}  // namespace potluck
