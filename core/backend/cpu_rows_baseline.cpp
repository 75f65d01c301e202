// SPDX-License-Identifier: Apache-2.0
#include "core/backend/cpu_rows_loops.h"

namespace potluck {

extern const RowKernels kRowKernels_baseline;
constinit const RowKernels kRowKernels_baseline = {"baseline", normals, typed<float>(), typed<double>()};

}  // namespace potluck
