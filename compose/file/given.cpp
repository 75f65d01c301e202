// SPDX-License-Identifier: Apache-2.0
#include "compose/file/given.h"

#include <fmt/format.h>

#include <cmath>
#include <set>

#include "compose/file/data_source.h"
#include "compose/text/keys.h"
#include "compose/text/numbers.h"
#include "core/files/formats/array.h"

namespace potluck {

namespace {

/// What is wrong with `value` as a number of `variable`; "" where nothing is.
std::string objection(const Variable& variable, double value) {
  if (variable.categorical()) {
    if (value == std::floor(value) && value >= 0 && value < static_cast<double>(variable.categories)) return "";
    return fmt::format("must be a label 0 ... {}, got {}", variable.categories - 1, value);
  }
  if (!std::isfinite(value)) return fmt::format("must be finite, got {}", value);
  if (value >= variable.least && value <= variable.most) return "";
  return fmt::format("must be in its support [{}, {}], got {}", variable.least, variable.most, value);
}

class GivenReader {
 public:
  GivenReader(const Scope& scope, SourceFiles& files, Diagnostics& diagnostics)
      : scope_(scope), files_(files), diagnostics_(diagnostics), owners_(scope.variables.size()) {
    held.resize(scope.variables.size());
  }

  std::vector<Held> held;

  void read(const Yaml& given, const std::string& what) {
    if (!check_keys(given, Section::kGiven, what, diagnostics_)) return;
    const Yaml* of = given.find("of");
    const Yaml* value = given.find("value");
    const Yaml* file = given.find("file");
    if ((value != nullptr) == (file != nullptr)) {
      diagnostics_.add(given.place,
                       fmt::format("{} must have either 'value' or 'file', got {}", what, value ? "both" : "neither"));
      return;
    }
    for (const char* key : {"array", "row", "scale"})
      if (const Yaml::Entry* other = given.entry(key); other && value)
        diagnostics_.add(other->place, fmt::format("{}.{} must stand with 'file', got 'value'", what, key));
    if (!of) return;
    const auto view = scope_.find(*of, what + ".of", diagnostics_);
    if (!view) return;
    const size_t variable_index = static_cast<size_t>(view->variable);
    const Variable& variable = scope_.variables[variable_index];
    if (scope_.broken.count(variable.name) > 0) return;
    if (value)
      take_value(*value, *view, variable, what);
    else if (const auto numbers = read_data_source(given, variable, what, files_, diagnostics_))
      hold(*view, variable, what, file->place, [&](size_t, size_t element) { return (*numbers)[element]; });
  }

 private:
  void take_value(const Yaml& value, const View& view, const Variable& variable, const std::string& what) {
    const auto numbers = read_numbers(value, what + ".value", diagnostics_);
    if (!numbers) return;
    if (numbers->shape.empty()) {
      hold(view, variable, what, value.place, [&](size_t, size_t) { return numbers->values[0]; });
      return;
    }
    if (view.parts > 1) {
      diagnostics_.add(value.place,
                       fmt::format("{}.value must be one number for the {} parts of '{}', got a list. Give "
                                   "the list to a slice, or use a file",
                                   what, view.parts, view.name));
      return;
    }
    if (numbers->shape != view.part_shape && numbers->shape != std::vector<int64_t>{view.part_size()}) {
      diagnostics_.add(value.place, fmt::format("{}.value must have the shape of '{}' {}, got {}", what, view.name,
                                                shape_text(view.part_shape), shape_text(numbers->shape)));
      return;
    }
    hold(view, variable, what, value.place, [&](size_t position, size_t) { return numbers->values[position]; });
  }

  /// Holds the view's elements at number(position in the view, element of the variable).
  template <typename Number>
  void hold(const View& view, const Variable& variable, const std::string& what, const Place& place, Number number) {
    Held& target = held[static_cast<size_t>(view.variable)];
    std::vector<std::string>& owner = owners_[static_cast<size_t>(view.variable)];
    const size_t size = static_cast<size_t>(variable.size());
    if (target.mask.empty()) {
      target.mask.assign(size, 0);
      target.value.assign(size, 0);
      owner.assign(size, "");
    }
    const size_t count = view.whole() ? size : view.index.size();
    for (size_t position = 0; position < count; ++position) {
      const size_t element = view.whole() ? position : static_cast<size_t>(view.index[position]);
      if (target.mask[element] && owner[element] != what) {
        diagnostics_.add(place,
                         fmt::format("{} must not hold what {} holds already, got {} in both. Remove one, or give "
                                     "views that do not overlap",
                                     what, owner[element],
                                     element_name(variable.name, variable.shape, static_cast<int64_t>(element))));
        return;
      }
      const double value = number(position, element);
      const std::string wrong = objection(variable, value);
      if (!wrong.empty()) {
        diagnostics_.add(
            place, fmt::format("{}: {} {}", what,
                               element_name(variable.name, variable.shape, static_cast<int64_t>(element)), wrong));
        return;
      }
      target.mask[element] = 1;
      target.value[element] = value;
      owner[element] = what;
    }
  }

  const Scope& scope_;
  SourceFiles& files_;
  Diagnostics& diagnostics_;
  std::vector<std::vector<std::string>> owners_;  ///< which given holds each element
};

}  // namespace

std::vector<Held> read_given(const Yaml* section, const Scope& scope, SourceFiles& files, Diagnostics& diagnostics) {
  GivenReader reader(scope, files, diagnostics);
  if (!section) return std::move(reader.held);
  if (!section->is_list()) {
    diagnostics.add(section->place, fmt::format("given must be a list, got {}. Write given: [{{of: x, value: 1}}]",
                                                section->describe()));
    return std::move(reader.held);
  }
  for (size_t i = 0; i < section->list.size(); ++i) reader.read(section->list[i], fmt::format("given[{}]", i));
  return std::move(reader.held);
}

}  // namespace potluck
