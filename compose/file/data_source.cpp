// SPDX-License-Identifier: Apache-2.0
#include "compose/file/data_source.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "compose/file/array_file.h"
#include "compose/text/keys.h"
#include "core/files/formats/idx.h"
#include "core/files/formats/npy.h"
#include "core/files/formats/png.h"
#include "core/files/formats/png_folder.h"
#include "core/files/formats/safetensors.h"

namespace potluck {

namespace {

struct Source {
  std::vector<int64_t> shape;
  std::vector<double> values;
  bool integers = false;
  std::string type;
  double maximum = 0;  ///< of the integer type
};

Source to_source(const Array& array) {
  const bool integers = !is_float(array.type) && array.type != NumberType::kBool;  // truth values are 0 and 1
  return {array.shape, array.as_doubles(), integers, name_of(array.type), maximum_of(array.type)};
}

Source row_of(const Array& array, const std::optional<int64_t>& row, const std::filesystem::path& path) {
  if (!row) return to_source(array);
  if (array.shape.empty() || *row >= array.shape[0])
    throw FileError(fmt::format("{}: row must be < {}, the rows of the file {}, got {}", path.string(),
                                array.shape.empty() ? 0 : array.shape[0], shape_text(array.shape), *row));
  return to_source(array.row(*row));
}

Source read_picture(const std::filesystem::path& path) {
  const PngImage image = read_png(path);
  Source source;
  source.shape = {image.height, image.width};
  if (image.channels > 1) source.shape.push_back(image.channels);
  source.values.assign(image.values.begin(), image.values.end());
  source.integers = true;
  source.maximum = static_cast<double>(image.maximum);
  source.type = image.maximum > 255 ? "16-bit pixels" : "8-bit pixels";
  return source;
}

/// @throws FileError
Source load(const std::filesystem::path& path, ArrayFormat format, const std::optional<int64_t>& row,
            const Yaml* array) {
  switch (format) {
    case ArrayFormat::kNpy:
      return row_of(read_npy(path), row, path);
    case ArrayFormat::kSafetensors:
      return array ? row_of(read_safetensors_array(path, array->text, array->describe()), row, path)
                   : row_of(read_safetensors_array(path, {}, ""), row, path);
    case ArrayFormat::kIdx:
      return row ? to_source(read_idx_row(path, *row)) : to_source(read_idx(path));
    case ArrayFormat::kPng:
    case ArrayFormat::kCsv:
    case ArrayFormat::kUnknown:
      break;
  }
  return read_picture(path);
}

/// The array of a safetensors file that is meant.
std::string chosen_array(const std::filesystem::path& path, const std::string& asked) {
  const std::vector<std::string> names = safetensors_names(path);
  if (asked.empty() && names.size() == 1) return names[0];
  if (asked.empty())
    throw FileError(fmt::format("{}: 'array' must say which of its {} arrays is meant. Known: {}", path.string(),
                                names.size(), joined(names)));
  if (std::find(names.begin(), names.end(), asked) == names.end())
    throw FileError(fmt::format("{}: array must be one that it holds, got '{}'. {}", path.string(), asked,
                                suggestion(asked, names)));
  return asked;
}

/// The picture as the one row of an array.
ArrayRows picture_row(const std::filesystem::path& path) {
  Array picture = array_of(read_png(path));
  picture.shape.insert(picture.shape.begin(), 1);
  return ArrayRows(std::move(picture));
}

/// @throws FileError
ArrayRows open_rows(const std::filesystem::path& path, ArrayFormat format, const std::string& array) {
  switch (format) {
    case ArrayFormat::kNpy:
      return npy_rows(path);
    case ArrayFormat::kSafetensors:
      return safetensors_rows(path, chosen_array(path, array));
    case ArrayFormat::kIdx:
      return idx_rows(path);
    case ArrayFormat::kPng:
    case ArrayFormat::kCsv:
    case ArrayFormat::kUnknown:
      break;
  }
  return picture_row(path);
}

}  // namespace

std::optional<std::vector<double>> read_data_source(const Yaml& given, const Variable& variable,
                                                    const std::string& what, SourceFiles& files,
                                                    Diagnostics& diagnostics) {
  const Yaml& file = *given.find("file");
  const Yaml::Entry* row_entry = given.entry("row");
  const Yaml::Entry* array = given.entry("array");
  const Yaml::Entry* scale_entry = given.entry("scale");
  const KeyTable& table = key_table(Section::kGiven);
  const size_t before = diagnostics.size();
  std::optional<int64_t> row;
  std::optional<double> scale;
  if (row_entry) row = read_integer(row_entry->value, table.key("row"), what + ".row", diagnostics);
  if (scale_entry) scale = read_number(scale_entry->value, table.key("scale"), what + ".scale", diagnostics);
  const auto path = files.require(file, what + ".file");
  if (!path || diagnostics.size() > before) return {};

  const ArrayFormat format = array_format_of(*path);
  if (format == ArrayFormat::kUnknown || format == ArrayFormat::kCsv)
    diagnostics.add(file.place, fmt::format("{}.file must be named .npy, .safetensors, .png, .idx or -ubyte (the last "
                                            "two also .gz), got '{}'",
                                            what, file.text));
  if (array && format != ArrayFormat::kSafetensors)
    diagnostics.add(array->place,
                    fmt::format("{}.array must stand with a safetensors file, got '{}'", what, file.text));
  if (row && format == ArrayFormat::kPng)
    diagnostics.add(row_entry->place, fmt::format("{}.row must be left out, got one: a PNG is one picture", what));
  if (variable.categorical() && scale_entry)
    diagnostics.add(scale_entry->place, fmt::format("{}.scale must be left out, got one: labels are not scaled", what));
  if (diagnostics.size() > before) return {};

  try {
    Source source = load(*path, format, row, array ? &array->value : nullptr);
    if (source.shape != variable.shape &&
        !same_but_for_a_channel(source.shape, variable.shape, format == ArrayFormat::kPng) &&
        source.shape != std::vector<int64_t>{variable.size()}) {
      std::vector<int64_t> without = source.shape;
      if (!without.empty()) without.erase(without.begin());
      const bool rows = !row && format != ArrayFormat::kPng && without == variable.shape;
      diagnostics.add(file.place, fmt::format("{} must hold numbers of the shape of '{}' {}, got {}{}", what,
                                              variable.name, shape_text(variable.shape), shape_text(source.shape),
                                              rows ? ". Add row: 0 to take the first of its rows" : ""));
      return {};
    }
    if (source.integers && !variable.categorical() && !scale) {
      diagnostics.add(file.place, fmt::format("{} must have a scale, since '{}' holds integers ({}). Add {}", what,
                                              file.text, source.type, advice_on_scale(source.maximum)));
      return {};
    }
    if (scale)
      for (double& value : source.values) value *= *scale;
    return std::move(source.values);
  } catch (const SettingError& error) {
    diagnostics.add(file.place, error.what(), error.suggestion(), what + ".array");
    return {};
  } catch (const FileError& error) {
    diagnostics.add(file.place, error.what(), "", what + ".file");
    return {};
  }
}

ArrayRows open_points(const PointsFile& points, const Variable& variable) {
  const std::filesystem::path path = points.file;
  const std::string& what = points.place.file;
  const auto refuse = [&](const std::string& text) { throw CompositionError({{points.place, text}}); };
  const ArrayFormat format = array_format_of(path);
  if (format == ArrayFormat::kUnknown || format == ArrayFormat::kCsv)
    refuse(fmt::format("file must be named .npy, .safetensors, .png, .idx or -ubyte (the last two also .gz), got '{}'",
                       path.string()));
  if (!points.array.empty() && format != ArrayFormat::kSafetensors)
    refuse(fmt::format("array must stand with a safetensors file, got '{}'", path.string()));
  if (variable.categorical() && points.scale) refuse("scale must be left out, got one: labels are not scaled");
  ArrayRows rows = open_rows(path, format, points.array);
  std::vector<int64_t> shape = rows.shape();
  if (!shape.empty()) shape.erase(shape.begin());
  const bool fits = shape == variable.shape ||
                    same_but_for_a_channel(shape, variable.shape, format == ArrayFormat::kPng) ||
                    shape == std::vector<int64_t>{variable.size()};
  if (rows.shape().empty() || !fits)
    refuse(fmt::format("{} must have the shape [rows{}{}] of '{}', got {}", path.string(),
                       variable.shape.empty() ? "" : ", ", fmt::join(variable.shape, ", "), variable.name,
                       shape_text(rows.shape())));
  if (rows.rows() == 0) refuse(fmt::format("{} must have rows, got none", path.string()));
  if (!is_float(rows.type()) && rows.type() != NumberType::kBool && !variable.categorical() && !points.scale)
    refuse(
        fmt::format("{} must have a scale, since it holds integers ({}). Add it as in '{}={{file: {}, scale: "
                    "1/255}}': {}",
                    path.filename().string(), name_of(rows.type()), what, path.filename().string(),
                    advice_on_scale(maximum_of(rows.type()))));
  return rows;
}

}  // namespace potluck
