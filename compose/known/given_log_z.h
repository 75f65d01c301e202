// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "compose/known/normaliser.h"

namespace potluck {

/// A warning for each branch of a mixture whose file gives another log Z than the one that is known, by more than 0.01:
/// the branch has another share of the mass than its weight says.
std::vector<std::string> given_log_z_that_differs(const Composition& composition, const Normaliser& normaliser);

}  // namespace potluck
