// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "compose/file/scope.h"
#include "compose/text/keys.h"
#include "core/files/formats/array.h"
#include "core/files/run/arviz_netcdf.h"
#include "core/settings.h"

namespace potluck {

namespace {

constexpr int64_t kMostNumbers = std::numeric_limits<int32_t>::max();

void read_shape(const Yaml& value, const std::string& what, Variable& variable, Diagnostics& diagnostics) {
  const auto shape = read_integers(value, key_table(Section::kVariable).key("shape"), what, diagnostics);
  if (!shape) return;
  int64_t size = 1;
  for (const int64_t length : *shape) {
    if (length > kMostNumbers / size) {
      diagnostics.add(value.place, fmt::format("{} must have at most {} numbers in all, got {}", what, kMostNumbers,
                                               shape_text(*shape)));
      return;
    }
    size *= length;
  }
  variable.shape = *shape;
}

void read_support(const Yaml& value, const std::string& what, Variable& variable, Diagnostics& diagnostics) {
  if (!value.is_list() || value.list.size() != 2 || !value.list[0].is_scalar() || !value.list[1].is_scalar()) {
    diagnostics.add(value.place,
                    fmt::format("{} must be [least, most], got {}. Write inf for an open end", what,
                                value.is_list() ? fmt::format("a list of {}", value.list.size()) : value.describe()));
    return;
  }
  double ends[2] = {0, 0};
  for (int i = 0; i < 2; ++i) {
    try {
      ends[i] = parse_number(value.list[i].text, fmt::format("{}[{}]", what, i));
    } catch (const SettingError& error) {
      diagnostics.add(value.list[i].place, error);
      return;
    }
  }
  if (!(ends[0] < ends[1])) {
    diagnostics.add(value.place, fmt::format("{} must have its least end below its most, got [{}, {}]", what,
                                             value.list[0].text, value.list[1].text));
    return;
  }
  variable.least = ends[0];
  variable.most = ends[1];
}

Variable read_variable(const Yaml::Entry& entry, Diagnostics& diagnostics) {
  const std::string what = "variables." + entry.key;
  Variable variable;
  variable.name = entry.key;
  const Yaml& value = entry.value;
  if (!check_keys(value, Section::kVariable, what, diagnostics)) return variable;
  if (const Yaml* shape = value.find("shape")) read_shape(*shape, what + ".shape", variable, diagnostics);
  if (const Yaml* categories = value.find("categories")) {
    const Key& key = key_table(Section::kVariable).key("categories");
    variable.categories = read_integer(*categories, key, what + ".categories", diagnostics).value_or(0);
    for (const char* other : {"support", "walls"})
      if (const Yaml::Entry* given = value.entry(other))
        diagnostics.add(given->place, fmt::format("{} must be left out, got it beside categories. Labels are 0 ... K-1",
                                                  what + "." + other));
    return variable;
  }
  const size_t before_support = diagnostics.size();
  if (const Yaml* support = value.find("support")) read_support(*support, what + ".support", variable, diagnostics);
  const bool known_support = diagnostics.size() == before_support;
  if (const Yaml* walls = value.find("walls")) {
    const auto text = read_text(*walls, key_table(Section::kVariable).key("walls"), what + ".walls", diagnostics);
    if (text == "transform") variable.walls = Walls::kTransform;
    if (text == "transform" && known_support && !variable.has_face())
      diagnostics.add(walls->place, what +
                                        ".walls must be left out where the support is the real line, got transform. "
                                        "Give a support with a finite end, such as support: [0, inf]");
  }
  return variable;
}

/// Names that draws.nc, and what reads it, need for themselves.
void check_names_in_draws(Scope& scope, Diagnostics& diagnostics) {
  const std::vector<std::string>& taken = names_taken_by_arviz();
  const auto refuse = [&](size_t v, const std::string& why) {
    const std::string& name = scope.variables[v].name;
    diagnostics.add(scope.variable_places[v],
                    fmt::format("the name of a variable must be free in draws.nc, got '{}', {}. Rename it", name, why));
    scope.broken.insert(name);
  };
  for (size_t v = 0; v < scope.variables.size(); ++v)
    if (std::find(taken.begin(), taken.end(), scope.variables[v].name) != taken.end())
      refuse(v, fmt::format("which ArviZ needs itself, as it does {}", joined(taken)));
  for (const Variable& one : scope.variables)
    for (size_t axis = 0; axis < one.shape.size() + (one.categorical() ? 1 : 0);
         ++axis)  // labels have one in summary.nc
      if (const int other = scope.variable(arviz_dimension(one.name, axis)); other >= 0)
        refuse(static_cast<size_t>(other), fmt::format("which is the name of axis {} of '{}' there", axis, one.name));
}

}  // namespace

int Scope::variable(const std::string& name) const {
  for (size_t i = 0; i < variables.size(); ++i)
    if (variables[i].name == name) return static_cast<int>(i);
  return -1;
}

const View* Scope::view(const std::string& name) const {
  for (const View& one : views)
    if (one.name == name) return &one;
  return nullptr;
}

std::vector<std::string> Scope::variable_names() const {
  std::vector<std::string> all;
  for (const Variable& one : variables) all.push_back(one.name);
  return all;
}

std::vector<std::string> Scope::names() const {
  std::vector<std::string> all = variable_names();
  for (const View& one : views) all.push_back(one.name);
  return all;
}

std::optional<View> Scope::find(const Yaml& name, const std::string& what, Diagnostics& diagnostics) const {
  if (!name.is_scalar()) {
    diagnostics.add(name.place,
                    fmt::format("{} must be the name of a variable or view, got {}", what, name.describe()));
    return {};
  }
  if (broken.count(name.text) > 0) return {};
  if (const View* found = view(name.text)) return *found;
  if (const int index = variable(name.text); index >= 0) {
    View whole;
    whole.name = name.text;
    whole.variable = index;
    whole.part_shape = variables[static_cast<size_t>(index)].shape;
    return whole;
  }
  if (incomplete) return {};
  diagnostics.add(name.place,
                  fmt::format("{} must be the name of a variable or view, got '{}'. {}", what, name.text,
                              suggestion(name.text, names())),
                  nearest(name.text, names()));
  return {};
}

void read_variables(const Yaml& section, Scope& scope, Diagnostics& diagnostics) {
  if (!section.is_map() || section.map.empty()) {
    scope.incomplete = true;
    diagnostics.add(section.place, fmt::format("variables must be a map from names to variables, got {}. Write "
                                               "variables: {{x: {{shape: [2]}}}}",
                                               section.is_map() ? "an empty one" : section.describe()));
    return;
  }
  for (const Yaml::Entry& entry : section.map) {
    const size_t before = diagnostics.size();
    check_name(entry, "a variable", diagnostics);
    scope.variables.push_back(read_variable(entry, diagnostics));
    scope.variable_places.push_back(entry.place);
    if (diagnostics.size() > before) scope.broken.insert(entry.key);
  }
  check_names_in_draws(scope, diagnostics);
}

}  // namespace potluck
