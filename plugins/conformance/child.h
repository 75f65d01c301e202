// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <functional>

#include "plugins/conformance/finding.h"

namespace potluck::conformance {

/// Runs `check` in a child process and brings its finding back. An exception, a crash, an exit or more than `patience`
/// is a failed finding.
Finding run_in_child(const std::function<Finding()>& check, std::chrono::milliseconds patience);

}  // namespace potluck::conformance
