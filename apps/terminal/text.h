// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/diagnostics/verdict_words.h"  // counted()
#include "core/settings.h"

namespace potluck {

/// A table of settings for people: name, range with kind and default, unit, summary; a line each, indented by two.
/// "  none" where there are none.
std::string settings_table(const std::vector<SettingDescription>& settings);

/// The texts in columns, each as wide as its widest cell but the last; rows indented by two.
std::string columns(const std::vector<std::vector<std::string>>& rows);

}  // namespace potluck
