// SPDX-License-Identifier: Apache-2.0
#include "compose/text/numbers.h"

#include <fmt/format.h>

#include "core/settings.h"

namespace potluck {

namespace {

/// Appends `value` at nesting depth `depth`. @return false after a diagnostic.
bool append(const Yaml& value, size_t depth, const std::string& what, Numbers& into, bool& shape_known,
            Diagnostics& diagnostics) {
  if (value.is_scalar()) {
    if (shape_known && depth != into.shape.size()) {
      diagnostics.add(value.place, fmt::format("{} must be nested evenly, got a number among lists", what));
      return false;
    }
    shape_known = true;
    try {
      into.values.push_back(parse_number(value.text, what));
      return true;
    } catch (const SettingError& error) {
      diagnostics.add(value.place, error);
      return false;
    }
  }
  if (!value.is_list() || value.list.empty()) {
    diagnostics.add(value.place, fmt::format("{} must be a number or lists of numbers, got {}", what,
                                             value.is_list() ? "an empty list" : value.describe()));
    return false;
  }
  const int64_t length = static_cast<int64_t>(value.list.size());
  if (!shape_known && depth == into.shape.size()) into.shape.push_back(length);
  if (depth >= into.shape.size() || into.shape[depth] != length) {
    diagnostics.add(value.place, depth < into.shape.size()
                                     ? fmt::format("{} must have rows of equal length, {} as the first, got {}", what,
                                                   into.shape[depth], length)
                                     : fmt::format("{} must be nested evenly, got a list among numbers", what));
    return false;
  }
  for (const Yaml& item : value.list)
    if (!append(item, depth + 1, what, into, shape_known, diagnostics)) return false;
  return true;
}

}  // namespace

std::optional<Numbers> read_numbers(const Yaml& value, const std::string& what, Diagnostics& diagnostics) {
  Numbers numbers;
  bool shape_known = false;
  if (!append(value, 0, what, numbers, shape_known, diagnostics)) return {};
  return numbers;
}

}  // namespace potluck
