// SPDX-License-Identifier: Apache-2.0
#include "models/banana/banana_terms.h"
#include "models/row_model/kernel.cuh"

namespace potluck::models {
POTLUCK_ROW_KERNELS(BananaTerms);
}  // namespace potluck::models
