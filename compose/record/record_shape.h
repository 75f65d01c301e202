// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace potluck {

/// Reads the text of a run's record and holds it against the table of what every command relies on in it, so that
/// whoever reads it afterwards finds each key of its kind. Keys that the table does not name may be there.
/// @param file  names it in the error
/// @throws FileError "<file>: rank.world must be a whole number, got "two""
nlohmann::ordered_json parse_record(std::string_view text, const std::string& file);

}  // namespace potluck
