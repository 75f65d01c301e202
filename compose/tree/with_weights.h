// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>

#include "compose/tree/tree.h"

namespace potluck {

/// The tree of `node` with other weights, those that `weights_of` says of each leaf; null: they stay. What is one
/// object there is one object here too.
NodePointer with_weights(const NodePointer& node,
                         const std::function<std::shared_ptr<const WeightsFile>(const Leaf&)>& weights_of);

}  // namespace potluck
