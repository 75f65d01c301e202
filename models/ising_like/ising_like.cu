// SPDX-License-Identifier: Apache-2.0
#include "models/ising_like/ising_like_terms.h"
#include "models/row_model/kernel.cuh"

namespace potluck::models {
POTLUCK_ROW_KERNELS(IsingLikeTerms);
}  // namespace potluck::models
