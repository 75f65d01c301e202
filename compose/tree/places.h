// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>
#include <utility>

#include "core/error.h"

namespace potluck {

/// Where the values of a composition stand, by the path that --set takes: "sample.steps", "given[0].value".
class Places {
 public:
  Places() = default;
  explicit Places(std::string file) : file_(std::move(file)) {}

  /// The value at `path` stands there.
  void add(const std::string& path, const Place& place) { places_[path] = place; }

  /// Of the value at `path`; where it was left to its default, of the section that would hold it; where that is not
  /// there either, of the file.
  Place at(const std::string& path) const;

  /// The path of the value that stands there, the shortest where there are several; "" where there is none.
  std::string path_at(const Place& place) const;

  /// An error at the place of its path; without one: of the file.
  Diagnostic at_place(const SettingError& error) const;

 private:
  std::string file_;
  std::map<std::string, Place> places_;
};

}  // namespace potluck
