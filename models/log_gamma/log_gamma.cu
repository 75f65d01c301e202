// SPDX-License-Identifier: Apache-2.0
#include "models/log_gamma/log_gamma_terms.h"
#include "models/row_model/kernel.cuh"

namespace potluck::models {
POTLUCK_ROW_KERNELS(LogGammaTerms);
}  // namespace potluck::models
