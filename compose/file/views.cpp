// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <charconv>
#include <limits>
#include <numeric>

#include "compose/file/scope.h"
#include "compose/text/keys.h"
#include "core/files/formats/array.h"

namespace potluck {

namespace {

constexpr int64_t kMostIndices = std::numeric_limits<int32_t>::max();

/// Which positions along one axis a slice takes, and whether the axis stays (an index drops it).
struct AxisPart {
  std::vector<int64_t> at;
  bool stays = true;
};

std::optional<int64_t> integer(std::string_view text) {
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return {};
  return value;
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

/// "start:stop:step" or an index, as NumPy reads it, except that ends outside the axis and empty slices are errors.
/// @throws SettingError saying what it must be
AxisPart parse_axis(const std::string& text, int64_t length) {
  std::vector<std::string_view> fields;
  std::string_view rest = text;
  for (size_t colon = rest.find(':'); colon != std::string_view::npos; colon = rest.find(':')) {
    fields.push_back(trimmed(rest.substr(0, colon)));
    rest.remove_prefix(colon + 1);
  }
  fields.push_back(trimmed(rest));
  const std::string grammar = "start:stop, start:stop:step or an index";
  if (fields.size() > 3) throw SettingError(grammar);
  std::vector<std::optional<int64_t>> numbers;
  for (const std::string_view field : fields) {
    numbers.push_back(integer(field));
    if (!numbers.back() && !field.empty()) throw SettingError(grammar);
  }
  const auto from_end = [length](int64_t at) { return at < 0 ? at + length : at; };
  const std::string inside = fmt::format("inside 0 ... {}", length);
  AxisPart part;
  if (fields.size() == 1) {
    if (!numbers[0]) throw SettingError(grammar);
    const int64_t at = from_end(*numbers[0]);
    if (at < 0 || at >= length) throw SettingError(fmt::format("an index inside 0 ... {}", length - 1));
    part.at = {at};
    part.stays = false;
    return part;
  }
  const int64_t step = fields.size() == 3 ? numbers[2].value_or(1) : 1;
  if (step == 0) throw SettingError("a slice with a step other than 0");
  const int64_t start = numbers[0] ? from_end(*numbers[0]) : (step > 0 ? 0 : length - 1);
  const int64_t stop = numbers[1] ? from_end(*numbers[1]) : (step > 0 ? length : -1);
  if (start < 0 || start > length || (numbers[1] && stop < 0) || stop > length) throw SettingError(inside);
  if (step < 0 && start == length) throw SettingError(inside);
  if (step > 0 ? start >= stop : start <= stop) throw SettingError("a slice that is not empty");
  // A step beyond the axis takes the first position only; clamping it keeps the sum below from overflowing.
  const int64_t stride = std::max(-length, std::min(length, step));
  for (int64_t at = start; step > 0 ? at < stop : at > stop; at += stride) part.at.push_back(at);
  return part;
}

/// ReadElements, row-major, of the box that the axes' positions span.
void append_box(const std::vector<std::vector<int64_t>>& axes, const std::vector<int64_t>& shape,
                std::vector<int32_t>& index) {
  std::vector<size_t> digit(axes.size(), 0);
  for (bool more = true; more;) {
    int64_t element = 0;
    for (size_t axis = 0; axis < axes.size(); ++axis) element = element * shape[axis] + axes[axis][digit[axis]];
    index.push_back(static_cast<int32_t>(element));
    more = false;
    for (size_t axis = axes.size(); axis-- > 0 && !more;) {
      more = ++digit[axis] < axes[axis].size();
      if (!more) digit[axis] = 0;
    }
  }
}

void read_slice(const Yaml& value, const std::string& what, const Variable& variable, View& view,
                Diagnostics& diagnostics) {
  for (const Yaml& item : value.list) {
    if (item.is_scalar()) continue;
    diagnostics.add(item.place,
                    fmt::format("{} must be a list of texts such as \"0:14\", got {} in it. Put quotes around "
                                "what has a ':'",
                                what, item.describe()));
    return;
  }
  const auto texts = read_texts(value, what, diagnostics);
  if (!texts) return;
  if (texts->size() > variable.shape.size()) {
    diagnostics.add(value.place,
                    fmt::format("{} must have at most {} entries, one an axis of '{}' {}, got {}", what,
                                variable.shape.size(), variable.name, shape_text(variable.shape), texts->size()));
    return;
  }
  std::vector<std::vector<int64_t>> axes;
  for (size_t axis = 0; axis < variable.shape.size(); ++axis) {
    const Yaml& written = value.is_list() && axis < value.list.size() ? value.list[axis] : value;
    try {
      AxisPart part = parse_axis(axis < texts->size() ? (*texts)[axis] : ":", variable.shape[axis]);
      if (part.stays) view.part_shape.push_back(static_cast<int64_t>(part.at.size()));
      axes.push_back(std::move(part.at));
    } catch (const SettingError& expected) {
      diagnostics.add(written.place,
                      fmt::format("{}[{}] must be {}, got '{}'. '{}' has shape {}", what, axis, expected.what(),
                                  written.text, variable.name, shape_text(variable.shape)));
      return;
    }
  }
  append_box(axes, variable.shape, view.index);
}

/// A list of the same length as the variable has axes; a single number counts for every axis.
std::optional<std::vector<int64_t>> read_per_axis(const Yaml& value, const std::string& key, const std::string& what,
                                                  const Variable& variable, Diagnostics& diagnostics) {
  auto numbers = read_integers(value, key_table(Section::kView).key(key), what, diagnostics);
  if (!numbers) return {};
  if (value.is_scalar()) numbers->assign(variable.shape.size(), numbers->front());
  if (numbers->size() == variable.shape.size()) return numbers;
  diagnostics.add(value.place,
                  fmt::format("{} must have {} numbers, one an axis of '{}' {}, got {}", what, variable.shape.size(),
                              variable.name, shape_text(variable.shape), numbers->size()));
  return {};
}

void read_patches(const Yaml& view_value, const Yaml& value, const std::string& what, const Variable& variable,
                  View& view, Diagnostics& diagnostics) {
  const auto patch = read_per_axis(value, "patches", what + ".patches", variable, diagnostics);
  auto stride = patch;
  if (const Yaml* given = view_value.find("stride"))
    stride = read_per_axis(*given, "stride", what + ".stride", variable, diagnostics);
  bool drop = false;
  if (const Yaml* edge = view_value.find("edge"))
    drop = read_text(*edge, key_table(Section::kView).key("edge"), what + ".edge", diagnostics) == "drop";
  if (!patch || !stride) return;
  std::vector<int64_t> count;
  int64_t total = 1;
  for (size_t axis = 0; axis < patch->size(); ++axis) {
    const int64_t length = variable.shape[axis], size = (*patch)[axis], step = (*stride)[axis];
    if (size > length || (!drop && (length - size) % step != 0)) {
      diagnostics.add(value.place,
                      size > length
                          ? fmt::format("{}.patches[{}] must be <= {}, the length of '{}' there, got {}", what, axis,
                                        length, variable.name, size)
                          : fmt::format("{}.patches must tile '{}' {}: along axis {} patches of {} every {} stick out. "
                                        "Change patches or stride, or write edge: drop",
                                        what, variable.name, shape_text(variable.shape), axis, size, step));
      return;
    }
    count.push_back((length - size) / step + 1);
    view.part_shape.push_back(size);
    total *= count.back();
    if (total > kMostIndices / size) break;
    total *= size;
  }
  if (count.size() < patch->size() || total > kMostIndices) {
    diagnostics.add(value.place, fmt::format("{}.patches must have at most {} numbers in all their parts, got more. "
                                             "Use a larger stride",
                                             what, kMostIndices));
    return;
  }
  view.parts = std::accumulate(count.begin(), count.end(), int64_t{1}, std::multiplies<>());
  std::vector<int64_t> corner(count.size(), 0);
  for (int64_t part = 0; part < view.parts; ++part) {
    int64_t left = part;
    std::vector<std::vector<int64_t>> axes(count.size());
    for (size_t axis = count.size(); axis-- > 0;) {
      axes[axis].resize(static_cast<size_t>((*patch)[axis]));
      std::iota(axes[axis].begin(), axes[axis].end(), left % count[axis] * (*stride)[axis]);
      left /= count[axis];
    }
    append_box(axes, variable.shape, view.index);
  }
}

void read_view(const Yaml::Entry& entry, Scope& scope, Diagnostics& diagnostics) {
  const std::string what = "views." + entry.key;
  const Yaml& value = entry.value;
  if (!check_keys(value, Section::kView, what, diagnostics)) return;
  const Yaml* of = value.find("of");
  const Yaml* slice = value.find("slice");
  const Yaml* patches = value.find("patches");
  if ((slice != nullptr) == (patches != nullptr))
    diagnostics.add(value.place,
                    fmt::format("{} must have either 'slice' or 'patches', got {}", what, slice ? "both" : "neither"));
  for (const char* key : {"stride", "edge"})
    if (const Yaml::Entry* other = value.entry(key); other && !patches)
      diagnostics.add(other->place, fmt::format("{}.{} must stand beside 'patches', got it without", what, key));
  if (!of) return;
  if (of->is_scalar() && scope.view(of->text)) {
    diagnostics.add(of->place,
                    fmt::format("{}.of must be a variable, got the view '{}'. Slice its variable '{}' instead", what,
                                of->text, scope.variables[static_cast<size_t>(scope.view(of->text)->variable)].name));
    return;
  }
  if (of->is_scalar() && scope.broken.count(of->text) > 0) return;
  const int index = of->is_scalar() ? scope.variable(of->text) : -1;
  if (index < 0 && scope.incomplete) return;
  if (index < 0) {
    diagnostics.add(of->place,
                    fmt::format("{}.of must be the name of a variable, got {}. {}", what, of->describe(),
                                suggestion(of->text, scope.variable_names())),
                    nearest(of->text, scope.variable_names()));
    return;
  }
  const Variable& variable = scope.variables[static_cast<size_t>(index)];
  View view;
  view.name = entry.key;
  view.variable = index;
  const size_t before = diagnostics.size();
  if (slice && !patches) read_slice(*slice, what + ".slice", variable, view, diagnostics);
  if (patches && !slice) read_patches(value, *patches, what, variable, view, diagnostics);
  if (diagnostics.size() > before || view.index.empty()) return;
  bool in_order = view.parts == 1 && static_cast<int64_t>(view.index.size()) == variable.size();
  for (size_t i = 0; i < view.index.size() && in_order; ++i) in_order = view.index[i] == static_cast<int32_t>(i);
  if (in_order) view.index.clear();
  scope.views.push_back(std::move(view));
}

}  // namespace

void read_views(const Yaml& section, Scope& scope, Diagnostics& diagnostics) {
  if (!section.is_map()) {
    scope.incomplete = true;
    diagnostics.add(section.place, fmt::format("views must be a map from names to views, got {}", section.describe()));
    return;
  }
  for (const Yaml::Entry& entry : section.map) {
    if (!check_name(entry, "a view", diagnostics)) continue;
    if (scope.variable(entry.key) >= 0) {
      diagnostics.add(
          entry.place,
          fmt::format("the name of a view must differ from the variables', got '{}'. Rename it", entry.key));
      continue;
    }
    read_view(entry, scope, diagnostics);
    if (!scope.view(entry.key)) scope.broken.insert(entry.key);
  }
}

}  // namespace potluck
