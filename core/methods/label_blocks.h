// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "core/error.h"
#include "core/methods/method_choice.h"
#include "core/variables/variable.h"

namespace potluck {

/// The categorical variables that move: whose labels are not all held.
/// @param held one per variable, or fewer: nothing is held of the others.
std::vector<int> moving_labels(const std::vector<Variable>& variables, const std::vector<Held>& held);

/// The blocks of a choice without blocks where labels move: one with gibbs for each categorical variable that moves,
/// then one with the choice's method for all the others that move, if there are any. None where no label moves.
std::vector<BlockOptions> label_blocks(const MethodChoice& choice, const std::vector<Variable>& variables,
                                       const std::vector<Held>& held);

/// A quarter of the steps of a warm-up.
int64_t steps_of_held_labels(int64_t warmup);

/// The first steps of a run in which labels stay where they began, while the numbers beside them move to where these
/// labels have density, as many as a quarter of the warm-up. Chains are then in a mode of every label. Else the first
/// draw of a label would see numbers that are near no mode, and could be the same in all chains. 0 where labels or
/// numbers do not move.
int64_t steps_of_held_labels(const std::vector<Variable>& variables, const std::vector<Held>& held, int64_t warmup);

/// Why a choice without blocks cannot move these variables where labels move, each text beginning with the path of what
/// is wrong, such as "sample.method": its method moves all variables or none. Nothing where no label moves.
/// @throws SettingError for values that do not fit together
std::vector<SettingError> label_errors(const MethodChoice& choice, const std::vector<Variable>& variables,
                                       const std::vector<Held>& held);

}  // namespace potluck
