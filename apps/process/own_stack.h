// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>

namespace potluck {

/// Calls `work` with as much stack as our deepest compositions take, whatever the limit on it (ulimit -s) is: the limit
/// is raised where it may be, else the stack is memory of our own. `work` stays in the same thread and throws nothing.
/// Threads that are started from then on have enough too.
int run_on_enough_stack(const std::function<int()>& work);

}  // namespace potluck
