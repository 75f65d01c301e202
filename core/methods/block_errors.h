// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "core/error.h"
#include "core/methods/method_choice.h"
#include "core/variables/variable.h"

namespace potluck {

/// What is wrong with the blocks of a sweep over these variables: all of it, each text beginning with the path of what
/// is wrong, such as "sample.blocks[1]". Nothing where there are no blocks.
/// @param held one per variable, or fewer: nothing is held of the others.
std::vector<SettingError> block_errors(const std::vector<BlockOptions>& blocks, const std::vector<Variable>& variables,
                                       const std::vector<Held>& held);

}  // namespace potluck
