// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "core/error.h"

namespace potluck {

/// Collects what is wrong with a composition, so that one reading reports all of it.
class Diagnostics {
 public:
  /// The same text at the same place is kept once.
  /// @param suggestion  as of Diagnostic
  /// @param path        as of Diagnostic; empty: that which the text begins with, else of the value that stands there
  void add(const Place& where, const std::string& text, const std::string& suggestion = "",
           const std::string& path = "");
  void add(const Place& where, const SettingError& error);
  void add(const Diagnostic& one);
  bool empty() const { return all_.empty(); }
  size_t size() const { return all_.size(); }

  /// In the order of the file, then of the files in the order they first appeared, overrides last.
  /// @throws CompositionError if anything was added.
  void throw_if_any() const;

  /// Makes errors of `file` come after those of the files named before.
  void name_file(const std::string& file);
  /// The value at `path` stands there.
  void name_path(const Place& where, const std::string& path);

 private:
  std::vector<Diagnostic> all_;
  std::set<std::pair<std::string, std::string>> seen_;
  std::map<std::string, size_t> order_;
  std::map<std::string, std::string> paths_;  ///< by place
};

/// The path that the text of an error begins with, as errors of a composition do that are about one of its values:
/// "sample.steps" of "sample.steps must be >= 1, got 0". "" where it begins with none.
std::string path_in(const std::string& text);

/// "Did you mean 'weight'? Known: energy, inputs, weight", for an unknown name.
std::string suggestion(const std::string& wrong, const std::vector<std::string>& known);

/// The known name nearest to a wrong one; "" where none is near.
std::string nearest(const std::string& wrong, const std::vector<std::string>& known);

/// "a, b, c"
std::string joined(const std::vector<std::string>& names);

}  // namespace potluck
