// SPDX-License-Identifier: Apache-2.0
#include "models/row_model/kernel.cuh"
#include "models/student_t/student_t_terms.h"

namespace potluck::models {
POTLUCK_ROW_KERNELS(StudentTTerms);
}  // namespace potluck::models
