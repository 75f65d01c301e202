// SPDX-License-Identifier: Apache-2.0
#include "compose/file/overrides.h"

#include <fmt/format.h>

#include <charconv>
#include <optional>

#include "core/settings.h"

namespace potluck {

namespace {

/// One step of a path: a key of a map, or an index of a list.
struct Step {
  std::string key;
  std::optional<size_t> index;
};

/// "a.b[2].c" -> a, b, [2], c; nothing where it is not a path.
std::optional<std::vector<Step>> parse_path(const std::string& path) {
  std::vector<Step> steps;
  size_t at = 0;
  while (at < path.size()) {
    if (path[at] == '[') {
      const size_t close = path.find(']', at);
      if (close == std::string::npos || steps.empty()) return {};
      size_t index = 0;
      const auto [end, error] = std::from_chars(path.data() + at + 1, path.data() + close, index);
      if (error != std::errc() || end != path.data() + close) return {};
      steps.push_back({"", index});
      at = close + 1;
      continue;
    }
    if (!steps.empty() && path[at++] != '.') return {};
    const size_t end = std::min(path.find_first_of(".[", at), path.size());
    if (end == at) return {};
    steps.push_back({path.substr(at, end - at), {}});
    at = end;
  }
  if (steps.empty()) return {};
  return steps;
}

Yaml::Entry& entry_at(Yaml& map, const std::string& key, const Place& place) {
  for (Yaml::Entry& entry : map.map)
    if (entry.key == key) return entry;
  map.map.push_back({key, place, {}});
  map.map.back().value.place = place;
  return map.map.back();
}

void set(const Overrides::Setting& setting, Yaml& root, Diagnostics& diagnostics) {
  const std::string& path = setting.path;
  const Place place{setting.option.empty() ? "--set " + path : setting.option, 0, 0};
  const auto steps = parse_path(path);
  if (!steps) {
    diagnostics.add(place,
                    "must be a path of keys and indices such as sample.steps or energies.scene.product[0].weight, "
                    "got '" +
                        path + "'",
                    "", path);
    return;
  }
  Yaml* at = &root;
  std::string walked;
  for (const Step& step : *steps) {
    if (step.index) {
      if (!at->is_list() || *step.index >= at->list.size()) {
        diagnostics.add(place,
                        fmt::format("'{}' must be a list of more than {} items, got {}", walked, *step.index,
                                    at->is_list() ? fmt::format("{}", at->list.size()) : at->describe()),
                        "", path);
        return;
      }
      at = &at->list[*step.index];
      walked += fmt::format("[{}]", *step.index);
      continue;
    }
    if (at->is_null()) {
      at->kind = Yaml::Kind::kMap;
      at->place = place;
    }
    if (!at->is_map()) {
      diagnostics.add(place, fmt::format("'{}' must be a map, got {}", walked, at->describe()), "", path);
      return;
    }
    Yaml::Entry& entry = entry_at(*at, step.key, place);
    if (&step == &steps->back()) entry.place = place;
    at = &entry.value;
    walked += (walked.empty() ? "" : ".") + step.key;
  }
  *at = read_yaml(setting.text, place.file, false, diagnostics);
  at->place = place;
}

bool is_number(const Yaml& value) {
  try {
    parse_number(value.text, "");
    return true;
  } catch (const SettingError&) {
    return false;
  }
}

Yaml scalar(const std::string& text, const Place& place) {
  Yaml value;
  value.kind = Yaml::Kind::kScalar;
  value.text = text;
  value.place = place;
  return value;
}

void give(const std::string& name, const std::string& text, Yaml& root, Diagnostics& diagnostics) {
  const Place place{"--given " + name, 0, 0};
  Yaml value = read_yaml(text, place.file, false, diagnostics);
  value.place = place;
  if (value.is_null()) {
    diagnostics.add(place, "must be a number, a list or a file, got nothing. Write --given " + name + "=3", "",
                    "given");
    return;
  }
  Yaml given;
  if (value.is_map()) {
    given = std::move(value);
  } else {
    given.kind = Yaml::Kind::kMap;
    given.place = place;
    const bool file = value.is_scalar() && !is_number(value);
    given.map.push_back({file ? "file" : "value", place, std::move(value)});
  }
  given.map.insert(given.map.begin(), {"of", place, scalar(name, place)});

  Yaml& list = entry_at(root, "given", place).value;
  if (list.is_null()) {
    list.kind = Yaml::Kind::kList;
    list.place = place;
  }
  if (!list.is_list()) return;  // Reported where the section is read.
  for (Yaml& old : list.list) {
    const Yaml* of = old.find("of");
    if (!of || of->text != name) continue;
    if (const Yaml::Entry* scale = old.entry("scale"); scale && given.find("file") && !given.find("scale"))
      given.map.push_back(*scale);
    old = std::move(given);
    return;
  }
  list.list.push_back(std::move(given));
}

}  // namespace

void apply_overrides(const Overrides& overrides, Yaml& root, Diagnostics& diagnostics) {
  for (const Overrides::Setting& setting : overrides.set) set(setting, root, diagnostics);
  for (const auto& [name, text] : overrides.given) give(name, text, root, diagnostics);
}

}  // namespace potluck
