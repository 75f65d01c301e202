// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "compose/tree/tree.h"

namespace potluck {

/// The tree below a node for people, a line a node, deeper nodes further in. A node that stands in several places is
/// written out once and named afterwards.
std::string tree_text(const Node& root);

}  // namespace potluck
