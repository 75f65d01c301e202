// SPDX-License-Identifier: Apache-2.0
#include "models/double_well/double_well_terms.h"
#include "models/row_model/kernel.cuh"

namespace potluck::models {
POTLUCK_ROW_KERNELS(DoubleWellTerms);
}  // namespace potluck::models
