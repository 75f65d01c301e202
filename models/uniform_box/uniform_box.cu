// SPDX-License-Identifier: Apache-2.0
#include "models/row_model/kernel.cuh"
#include "models/uniform_box/uniform_box_terms.h"

namespace potluck::models {
POTLUCK_ROW_KERNELS(UniformBoxTerms);
}  // namespace potluck::models
