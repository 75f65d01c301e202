// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "compose/text/yaml.h"
#include "compose/tree/diagnostics.h"

namespace potluck {

/// Numbers as a file writes them: one, or lists nested as the shape.
struct Numbers {
  std::vector<int64_t> shape;
  std::vector<double> values;  ///< row-major
};

/// Nothing, after a diagnostic, where `value` holds something else, a list is empty or the lists are ragged.
std::optional<Numbers> read_numbers(const Yaml& value, const std::string& what, Diagnostics& diagnostics);

}  // namespace potluck
