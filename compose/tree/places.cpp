// SPDX-License-Identifier: Apache-2.0
#include "compose/tree/places.h"

namespace potluck {

Place Places::at(const std::string& path) const {
  for (std::string at = path; !at.empty();) {
    if (const auto found = places_.find(at); found != places_.end()) return found->second;
    const size_t end = at.find_last_of(".[");
    at.resize(end == std::string::npos ? 0 : end);
  }
  return {file_, 0, 0};
}

std::string Places::path_at(const Place& place) const {
  std::string shortest;
  for (const auto& [path, there] : places_)
    if (to_string(there) == to_string(place) && (shortest.empty() || path.size() < shortest.size())) shortest = path;
  return shortest;
}

Diagnostic Places::at_place(const SettingError& error) const {
  return {at(error.path()), error.what(), error.suggestion(), error.path()};
}

}  // namespace potluck
