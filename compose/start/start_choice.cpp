// SPDX-License-Identifier: Apache-2.0
#include "compose/start/start_choice.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>

#include "compose/start/exact_start.h"
#include "compose/start/level_start.h"
#include "core/files/formats/npy.h"
#include "core/files/formats/safetensors.h"
#include "core/finite_in.h"
#include "core/sampling/run/run.h"

namespace potluck {
namespace {

namespace filesystem = std::filesystem;

// The variables whose positions a start must bring: not those that are given whole.
std::vector<size_t> free_variables(const Composition& composition) {
  std::vector<size_t> free;
  for (size_t v = 0; v < composition.variables.size(); ++v)
    if (!composition.held[v].all()) free.push_back(v);
  return free;
}

void check_rows(const Array& array, const Variable& variable, const std::string& file, int64_t& rows) {
  std::vector<int64_t> shape = array.shape;
  const int64_t first = shape.empty() ? 0 : shape.front();
  if (!shape.empty()) shape.erase(shape.begin());
  if (first < 1 || shape != variable.shape)
    throw SettingError("sample.start", fmt::format(": '{}' in {} must have the shape [rows{}{}], got {}", variable.name,
                                                   file, variable.shape.empty() ? "" : ", ",
                                                   fmt::join(variable.shape, ", "), shape_text(array.shape)));
  if (rows != 0 && rows != first)
    throw SettingError("sample.start",
                       fmt::format(": all arrays in {} must have as many rows, got {} and {}", file, rows, first));
  rows = first;
}

/// "x", "x[3]", "image[1, 27]"
std::string number_name(const Variable& variable, int64_t element) {
  if (variable.shape.empty()) return variable.name;
  std::vector<int64_t> index(variable.shape.size());
  for (size_t axis = index.size(); axis-- > 0; element /= variable.shape[axis])
    index[axis] = element % variable.shape[axis];
  return fmt::format("{}[{}]", variable.name, fmt::join(index, ", "));
}

/// Where chains may stand, both ends or neither.
bool is_inside(const Variable& variable, double value, Precision precision) {
  if (!finite_in(precision, value)) return false;
  if (variable.categorical())
    return value == std::floor(value) && value >= 0 && value < static_cast<double>(variable.categories);
  return variable.walls == Walls::kTransform ? value > variable.least && value < variable.most
                                             : value >= variable.least && value <= variable.most;
}

/// "inside [0, 1]", "a label 0 ... 9", "a finite number"
std::string expected_of(const Variable& variable, double value, Precision precision) {
  if (std::isfinite(value) && !finite_in(precision, value)) return "a number of float32 (precision)";
  if (variable.categorical()) return fmt::format("a label 0 ... {}", variable.categories - 1);
  if (!variable.has_face()) return "a finite number";
  const bool open = variable.walls == Walls::kTransform;
  return fmt::format("inside {}{:g}, {:g}{}", open ? "(" : "[", variable.least, variable.most, open ? ")" : "]");
}

/// Numbers that a chain takes must be where it may stand. Those of held coordinates are not taken.
void check_numbers(const Array& array, const Variable& variable, const Held& held, const SampleSettings& sample,
                   const std::string& file) {
  const std::vector<double> values = array.as_doubles();
  const int64_t n = variable.size();
  for (int64_t row = 0; row < std::min(array.shape.front(), sample.chains); ++row) {
    for (int64_t j = 0; j < n; ++j) {
      const double value = values[static_cast<size_t>(row * n + j)];
      if ((held.any() && held.mask[static_cast<size_t>(j)] != 0) || is_inside(variable, value, sample.precision))
        continue;
      throw SettingError("sample.start",
                         fmt::format(": chain {}: {} must be {}, got {:g} ({})", row, number_name(variable, j),
                                     expected_of(variable, value, sample.precision), value, file));
    }
  }
}

std::unique_ptr<Start> start_from_file(const Composition& composition, const std::string& text) {
  const filesystem::path file = text;
  const std::vector<Variable>& variables = composition.variables;
  const std::vector<size_t> free = free_variables(composition);
  std::vector<std::vector<double>> position(variables.size());
  int64_t rows = 0;
  if (file.extension() == ".npy") {
    if (free.size() != 1)
      throw SettingError(
          "sample.start",
          fmt::format(": {} must hold the only variable that is not given, got {} of them. Use a .safetensors file",
                      text, free.size()));
    const Array array = read_npy(file);
    check_rows(array, variables[free[0]], text, rows);
    check_numbers(array, variables[free[0]], composition.held[free[0]], composition.sample, text);
    position[free[0]] = array.as_doubles();
  } else if (file.extension() == ".safetensors") {
    const Safetensors contents = read_safetensors(file);
    for (const size_t v : free) {
      const auto found = contents.arrays.find(variables[v].name);
      if (found == contents.arrays.end())
        throw SettingError("sample.start",
                           fmt::format(": {} must hold an array '{}', got none of that name", text, variables[v].name));
      check_rows(found->second, variables[v], text, rows);
      check_numbers(found->second, variables[v], composition.held[v], composition.sample, text);
      position[v] = found->second.as_doubles();
    }
  } else {
    throw SettingError(
        "sample.start",
        fmt::format(" must be auto, exact, uniform, normal, or a .npy or .safetensors file, got '{}'", text));
  }
  for (size_t v = 0; v < variables.size(); ++v)
    if (position[v].empty()) position[v].assign(static_cast<size_t>(rows * variables[v].size()), 0.0);
  return given_start(std::move(position), rows, variables, fmt::format("{} positions of {}", rows, text));
}

std::unique_ptr<Start> start_of_a_chain(const Composition& composition,
                                        const std::shared_ptr<const KnownComposition>& known) {
  const SampleSettings& sample = composition.sample;
  const std::string& start = sample.start;
  const Strata strata{sample.chains, replicas_of(sample.method, sample.method_values), sample.superchain};
  if (start == "auto" && sample.anneal.of_noise()) return level_start(composition, known);
  if (start == "auto") {
    std::unique_ptr<Start> drawn = branch_start(composition, strata, known);
    return drawn ? std::move(drawn) : default_start(composition.variables, sample.superchain);
  }
  if (start == "exact") {
    std::unique_ptr<Start> exact = exact_start(composition, strata, known);
    if (!exact) throw SettingError("sample.start", ": this composition has no exact draws, got 'exact'. Use auto");
    return exact;
  }
  if (start == "uniform") return uniform_start(composition.variables, sample.superchain);
  if (start == "normal") return normal_start(composition.variables, sample.superchain);
  return start_from_file(composition, start);
}

}  // namespace

std::unique_ptr<Start> make_start(const Composition& composition,
                                  const std::shared_ptr<const KnownComposition>& known) {
  const SampleSettings& sample = composition.sample;
  std::unique_ptr<Start> start = start_of_a_chain(composition, known);
  if (sample.superchain == 1) return start;
  if (sample.chains % sample.superchain != 0 || sample.superchain == sample.chains)
    throw SettingError("sample.superchain", fmt::format(" must divide sample.chains ({}) into at least 2, got {}",
                                                        sample.chains, sample.superchain));
  if (replicas_of(sample.method, sample.method_values) > 1)
    throw SettingError("sample.superchain", fmt::format(" must be 1 with {}, whose replicas begin apart, got {}",
                                                        sample.method, sample.superchain));
  return superchain_start(std::move(start), sample.superchain, composition.variables);
}

}  // namespace potluck
