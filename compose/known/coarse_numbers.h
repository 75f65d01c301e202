// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "compose/known/normaliser.h"

namespace potluck {

/// A warning for each variable whose numbers are known to spread over too few neighbouring numbers of float32, where
/// the composition asks for that precision: by its support, or by the means and precisions of quadratic experts.
std::vector<std::string> coarse_numbers(const Composition& composition, const Coordinates& coordinates,
                                        const Experts& experts, const Normaliser& normaliser);

}  // namespace potluck
