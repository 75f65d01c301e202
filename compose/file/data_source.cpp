// SPDX-License-Identifier: Apache-2.0
#include "compose/file/data_source.h"

#include <fmt/format.h>

#include "compose/file/array_file.h"
#include "compose/text/keys.h"
#include "core/files/formats/idx.h"
#include "core/files/formats/npy.h"
#include "core/files/formats/png.h"

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
  } catch (const FileError& error) {
    diagnostics.add(file.place, error.what());
    return {};
  }
}

}  // namespace potluck
