// SPDX-License-Identifier: Apache-2.0
#include "compose/tree/diagnostics.h"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>

#include "core/settings.h"

namespace potluck {

void Diagnostics::name_file(const std::string& file) { order_.emplace(file, order_.size()); }

void Diagnostics::name_path(const Place& where, const std::string& path) { paths_.emplace(to_string(where), path); }

void Diagnostics::add(const Place& where, const std::string& text, const std::string& suggestion,
                      const std::string& path) {
  add({where, text, suggestion, path});
}

void Diagnostics::add(const Place& where, const SettingError& error) {
  add({where, error.what(), error.suggestion(), error.path()});
}

void Diagnostics::add(const Diagnostic& one) {
  if (seen_.emplace(to_string(one.where), one.text).second) all_.push_back(one);
}

void Diagnostics::throw_if_any() const {
  if (all_.empty()) return;
  std::vector<Diagnostic> sorted = all_;
  for (Diagnostic& one : sorted) {
    if (one.path.empty()) one.path = path_in(one.text);
    if (const auto there = paths_.find(to_string(one.where)); one.path.empty() && there != paths_.end())
      one.path = there->second;
  }
  const auto rank = [this](const Diagnostic& one) {
    const auto found = order_.find(one.where.file);
    const size_t file = found == order_.end() ? order_.size() : found->second;
    return std::make_tuple(file, one.where.line, one.where.column);
  };
  std::stable_sort(sorted.begin(), sorted.end(),
                   [&](const Diagnostic& a, const Diagnostic& b) { return rank(a) < rank(b); });
  throw CompositionError(std::move(sorted));
}

std::string path_in(const std::string& text) {
  static const std::set<std::string> sections = {"potluck", "plugins", "include", "variables", "views",      "energies",
                                                 "target",  "given",   "sample",  "output",    "integrable", "learn"};
  const std::string path = text.substr(0, text.find_first_of(" :"));
  const std::string section = path.substr(0, path.find_first_of(".["));
  return sections.count(section) > 0 ? path : "";
}

std::string joined(const std::vector<std::string>& names) { return fmt::format("{}", fmt::join(names, ", ")); }

std::string suggestion(const std::string& wrong, const std::vector<std::string>& known) {
  if (known.empty()) return "None is known here";
  const std::string near = nearest(wrong, known);
  return fmt::format("{}Known: {}", near.empty() ? "" : fmt::format("Did you mean '{}'? ", near), joined(known));
}

std::string nearest(const std::string& wrong, const std::vector<std::string>& known) {
  return nearest_name(wrong, known).value_or("");
}

}  // namespace potluck
