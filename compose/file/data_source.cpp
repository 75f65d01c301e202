// SPDX-License-Identifier: Apache-2.0
#include "compose/file/data_source.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "compose/text/keys.h"
#include "core/files/formats/idx.h"
#include "core/files/formats/npy.h"
#include "core/files/formats/png.h"
#include "core/files/formats/safetensors.h"

namespace potluck {

namespace {

enum class Format { kNpy, kSafetensors, kPng, kIdx, kUnknown };

Format format_of(const std::filesystem::path& path) {
  std::string name = path.filename().string();
  std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return std::tolower(c); });
  if (name.ends_with(".npy")) return Format::kNpy;
  if (name.ends_with(".safetensors")) return Format::kSafetensors;
  if (name.ends_with(".png")) return Format::kPng;
  if (name.ends_with(".gz")) name.resize(name.size() - 3);
  if (name.ends_with(".idx") || name.ends_with("-ubyte") || name.ends_with(".ubyte")) return Format::kIdx;
  return Format::kUnknown;
}

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

Array pick(const Safetensors& contents, const Yaml* name, const std::filesystem::path& path) {
  std::vector<std::string> names;
  for (const auto& [key, array] : contents.arrays) names.push_back(key);
  if (!name && names.size() == 1) return contents.arrays.begin()->second;
  if (!name)
    throw FileError(fmt::format("{}: 'array' must say which of its {} arrays is meant. Known: {}", path.string(),
                                names.size(), joined(names)));
  const auto found = contents.arrays.find(name->text);
  if (found == contents.arrays.end())
    throw SettingError("",
                       fmt::format("{}: array must be one that it holds, got {}. {}", path.string(), name->describe(),
                                   suggestion(name->text, names)),
                       nearest(name->text, names));
  return found->second;
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
Source load(const std::filesystem::path& path, Format format, const std::optional<int64_t>& row, const Yaml* array) {
  switch (format) {
    case Format::kNpy:
      return row_of(read_npy(path), row, path);
    case Format::kSafetensors:
      return row_of(pick(read_safetensors(path), array, path), row, path);
    case Format::kIdx:
      return row ? to_source(read_idx_row(path, *row)) : to_source(read_idx(path));
    case Format::kPng:
    case Format::kUnknown:
      break;
  }
  return read_picture(path);
}

/// The shapes agree but for the one channel of a grey picture, which stands last, or first in planes: [h, w] and
/// [h, w, 1]. In an array a first length of 1 is a row.
bool but_for_a_channel(const std::vector<int64_t>& source, const std::vector<int64_t>& variable, Format format) {
  const std::vector<int64_t>& longer = source.size() > variable.size() ? source : variable;
  const std::vector<int64_t>& shorter = source.size() > variable.size() ? variable : source;
  if (shorter.size() != 2 || longer.size() != 3) return false;
  if (longer.back() == 1 && std::equal(shorter.begin(), shorter.end(), longer.begin())) return true;
  return format == Format::kPng && longer.front() == 1 &&
         std::equal(shorter.begin(), shorter.end(), longer.begin() + 1);
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

  const Format format = format_of(*path);
  if (format == Format::kUnknown)
    diagnostics.add(file.place, fmt::format("{}.file must be named .npy, .safetensors, .png, .idx or -ubyte (the last "
                                            "two also .gz), got '{}'",
                                            what, file.text));
  if (array && format != Format::kSafetensors)
    diagnostics.add(array->place,
                    fmt::format("{}.array must stand with a safetensors file, got '{}'", what, file.text));
  if (row && format == Format::kPng)
    diagnostics.add(row_entry->place, fmt::format("{}.row must be left out, got one: a PNG is one picture", what));
  if (variable.categorical() && scale_entry)
    diagnostics.add(scale_entry->place, fmt::format("{}.scale must be left out, got one: labels are not scaled", what));
  if (diagnostics.size() > before) return {};

  try {
    Source source = load(*path, format, row, array ? &array->value : nullptr);
    if (source.shape != variable.shape && !but_for_a_channel(source.shape, variable.shape, format) &&
        source.shape != std::vector<int64_t>{variable.size()}) {
      std::vector<int64_t> without = source.shape;
      if (!without.empty()) without.erase(without.begin());
      const bool rows = !row && format != Format::kPng && without == variable.shape;
      diagnostics.add(file.place, fmt::format("{} must hold numbers of the shape of '{}' {}, got {}{}", what,
                                              variable.name, shape_text(variable.shape), shape_text(source.shape),
                                              rows ? ". Add row: 0 to take the first of its rows" : ""));
      return {};
    }
    if (source.integers && !variable.categorical() && !scale) {
      const std::string advice =
          source.maximum <= 65535 ? fmt::format("scale: 1/{:.16g} for numbers in 0 ... 1, or scale: 1", source.maximum)
                                  : "scale: 1 for the numbers as they are";
      diagnostics.add(file.place, fmt::format("{} must have a scale, since '{}' holds integers ({}). Add {}", what,
                                              file.text, source.type, advice));
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

}  // namespace potluck
