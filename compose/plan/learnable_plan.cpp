// SPDX-License-Identifier: Apache-2.0
#include "compose/plan/learnable_plan.h"

#include "compose/plan/arithmetic_cuda.h"
#include "core/device/devices.h"

namespace potluck {

LearnablePlan::LearnablePlan(Plan& plan)
    : plan_(plan),
      store_(plan.parameters()),
      arithmetic_(for_device(plan.device(), cpu_arithmetic, POTLUCK_WITH_CUDA(cuda_arithmetic), plan.precision())) {
  for (size_t a = 0; a < store_.arrays().size(); ++a) {
    const StoredParameter& stored = store_.arrays()[a];
    arrays_.push_back({stored.name, stored.array.shape, stored.array.type == POTLUCK_FLOAT64, stored.array.data,
                       store_.is_learned(a)});
  }
}

}  // namespace potluck
