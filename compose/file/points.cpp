// SPDX-License-Identifier: Apache-2.0
#include "compose/file/points.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <set>
#include <string>

#include "compose/text/keys.h"
#include "core/settings.h"

namespace potluck {

namespace {

using At = Overrides::At;

Place place_of(const At& at) { return {at.option.empty() ? "--at " + at.name : at.option, 0, 0}; }

/// The variables, and their views.
std::set<std::string> names_at_points(const Overrides& overrides, const Yaml& root) {
  std::set<std::string> names;
  for (const At& at : overrides.at) names.insert(at.name);
  const Yaml* views = root.find("views");
  if (!views) return names;
  std::set<std::string> of_them;
  for (const Yaml::Entry& view : views->map)
    if (const Yaml* of = view.value.find("of"); of && names.count(of->text) > 0) of_them.insert(view.key);
  names.merge(of_them);
  return names;
}

bool is_number(const Yaml& value) {
  try {
    parse_number(value.text, "");
    return true;
  } catch (const SettingError&) {
    return false;
  }
}

class PointsReader {
 public:
  PointsReader(SourceFiles& files, Diagnostics& diagnostics) : files_(files), diagnostics_(diagnostics) {}

  std::optional<PointsFile> read(const At& at, int variable) {
    const Place place = place_of(at);
    const size_t before = diagnostics_.size();
    Yaml value = read_yaml(at.text, place.file, false, diagnostics_);
    value.place = place;
    if (diagnostics_.size() > before) return {};
    if (value.is_list() || (value.is_scalar() && is_number(value))) {
      diagnostics_.add(place, fmt::format("must be a file of rows, got {}. Where it is the same in every row, write "
                                          "--given {}={}",
                                          value.describe(), at.name, at.text));
      return {};
    }
    const Yaml* file = value.is_map() ? value.find("file") : &value;
    if (!file || !file->is_scalar()) {
      diagnostics_.add(place, fmt::format("must be a file of rows, got {}. Write --at {}=points.npy",
                                          value.is_null() ? "nothing" : value.describe(), at.name));
      return {};
    }
    PointsFile points;
    points.variable = variable;
    points.file = files_.absolute_path(*file);
    points.place = place;
    for (const Yaml::Entry& entry : value.map) read_key(entry, place, points);
    if (diagnostics_.size() > before) return {};
    return points;
  }

 private:
  void read_key(const Yaml::Entry& entry, const Place& place, PointsFile& points) {
    if (entry.key == "array" && entry.value.is_scalar()) {
      points.array = entry.value.text;
    } else if (entry.key == "array") {
      diagnostics_.add(place, fmt::format("array must be a name, got {}", entry.value.describe()));
    } else if (entry.key == "scale") {
      points.scale = read_number(entry.value, key_table(Section::kGiven).key("scale"), "scale", diagnostics_);
    } else if (entry.key != "file") {
      diagnostics_.add(
          place, fmt::format("unknown key '{}'. {}", entry.key, suggestion(entry.key, {"file", "array", "scale"})));
    }
  }

  SourceFiles& files_;
  Diagnostics& diagnostics_;
};

}  // namespace

void take_out_for_points(const Overrides& overrides, Yaml& root) {
  if (overrides.at.empty()) return;
  const std::set<std::string> names = names_at_points(overrides, root);
  if (Yaml* given = root.find("given"))
    std::erase_if(given->list, [&names](const Yaml& one) {
      const Yaml* of = one.find("of");
      return of && names.count(of->text) > 0;
    });
  if (Yaml* sample = root.find("sample"))
    std::erase_if(sample->map, [](const Yaml::Entry& entry) {
      return entry.key != "precision" && entry.key != "temperature" && entry.key != "seed";
    });
}

std::vector<PointsFile> read_points(const Overrides& overrides, const Scope& scope, SourceFiles& files,
                                    Diagnostics& diagnostics) {
  std::vector<PointsFile> all;
  std::set<std::string> seen;
  PointsReader reader(files, diagnostics);
  for (const At& at : overrides.at) {
    const int variable = scope.variable(at.name);
    if (scope.broken.count(at.name) > 0 || (variable < 0 && scope.incomplete)) continue;
    if (variable < 0)
      diagnostics.add(place_of(at), fmt::format("must be of a variable, got '{}'. {}", at.name,
                                                suggestion(at.name, scope.variable_names())));
    else if (!seen.insert(at.name).second)
      diagnostics.add(place_of(at), "must be said once, got it twice");
    else if (!at.text.empty())
      if (const auto points = reader.read(at, variable)) all.push_back(*points);
  }
  return all;
}

}  // namespace potluck
