// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "compose/tree/tree.h"

namespace potluck {

/// The node as it stands for one part of an `each`: its leaves read the first of their parts. Where they read one part
/// only, the node itself.
NodePointer of_one_part(const NodePointer& node);

/// Everything that an estimate of the branch's log Z depends on but for device and precision, as a text: models with
/// the SHA-256 of their plugins, settings, weights, what the inputs read, how the leaves are composed, how it is
/// estimated, and the estimates that branches within it have. Names of energies and places do not enter.
std::string content_key_of_branch(const Composition& composition, const Mixture::Branch& branch);

}  // namespace potluck
