// SPDX-License-Identifier: Apache-2.0
#include "core/backend/cpu_rows_loops.h"

namespace potluck {

extern const RowKernels kRowKernels_avx512;
constinit const RowKernels kRowKernels_avx512 = {"avx512", normals, typed<float>(), typed<double>()};

}  // namespace potluck
