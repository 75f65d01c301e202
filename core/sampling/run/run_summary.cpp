// SPDX-License-Identifier: Apache-2.0
#include "core/sampling/run/run_summary.h"

#include <cmath>

namespace potluck {

double StepSum::root_mean_square() const { return std::sqrt(mean()); }

}  // namespace potluck
