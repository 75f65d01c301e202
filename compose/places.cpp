// SPDX-License-Identifier: Apache-2.0
#include "compose/places.h"

#include <fmt/format.h>

namespace potluck {

Places::Places(const Yaml& root) : file_(root.place.file) { add(root, ""); }

void Places::add(const Yaml& value, const std::string& path) {
  if (!path.empty()) places_[path] = value.place;
  for (const Yaml::Entry& entry : value.map) add(entry.value, path.empty() ? entry.key : path + '.' + entry.key);
  for (size_t i = 0; i < value.list.size(); ++i) {
    // Numbers of a list are given by the thousand, and no error is about one of them alone.
    if (!value.list[i].is_scalar()) add(value.list[i], fmt::format("{}[{}]", path, i));
  }
}

Place Places::at(const std::string& path) const {
  for (std::string at = path; !at.empty();) {
    if (const auto found = places_.find(at); found != places_.end()) return found->second;
    const size_t end = at.find_last_of(".[");
    at.resize(end == std::string::npos ? 0 : end);
  }
  return {file_, 0, 0};
}

Diagnostic Places::at_place(const SettingError& error) const {
  const std::string text = error.what();
  return {at(text.substr(0, text.find_first_of(" :"))), text};
}

}  // namespace potluck
