// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "compose/text/yaml.h"
#include "compose/tree/diagnostics.h"
#include "compose/tree/tree.h"

namespace potluck {

/// Reads the `log_z` of a mixture's branch: a number, `estimate`, or how to estimate it.
/// @return false, after diagnostics, where it is none of these.
bool read_log_z(const Yaml& value, const std::string& what, Mixture::Branch& branch, Diagnostics& diagnostics);

}  // namespace potluck
