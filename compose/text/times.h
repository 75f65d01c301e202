// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>

#include "compose/text/yaml.h"
#include "compose/tree/diagnostics.h"

namespace potluck {

/// Seconds of "90", "90s", "10min", "2h", "1d". Nothing, after a diagnostic, where it is none > 0.
std::optional<double> read_time(const Yaml& value, const std::string& what, Diagnostics& diagnostics);

}  // namespace potluck
