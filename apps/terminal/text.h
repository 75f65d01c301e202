// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "potluck/engine.h"

namespace potluck {

/// A table of settings for people: name, range with kind and default, unit, summary; a line each, indented by two.
/// "  none" where there are none.
std::string settings_table(const std::vector<engine::Setting>& settings);

/// What draws are worth: a line for each branch, and the verdict.
std::string worth_text(const engine::Products& products);

/// "1 row", "2 rows"
std::string plural(int64_t count, const std::string& what);

/// The texts in columns, each as wide as its widest cell but the last; rows indented by two.
std::string columns(const std::vector<std::vector<std::string>>& rows);

}  // namespace potluck
