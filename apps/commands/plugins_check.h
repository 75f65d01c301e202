// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "apps/terminal/command.h"

namespace potluck {

/// `potluck plugins check FILE-or-ID`: runs the conformance kit on the plugin's models and prints what it found.
int check_plugin(const Words& words);

}  // namespace potluck
