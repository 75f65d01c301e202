// SPDX-License-Identifier: Apache-2.0
#include "compose/file/learn_data.h"

#include <fmt/format.h>

#include <filesystem>
#include <system_error>

#include "compose/file/array_file.h"
#include "compose/text/keys.h"
#include "core/files/formats/idx.h"
#include "core/files/formats/npy.h"
#include "core/files/formats/png_folder.h"
#include "core/files/formats/sha256.h"

namespace potluck {

namespace {

/// Reads the map of one variable.
class VariableReader {
 public:
  VariableReader(const Yaml::Entry& entry, const Scope& scope, SourceFiles& files, Diagnostics& diagnostics)
      : entry_(entry), scope_(scope), files_(files), diagnostics_(diagnostics) {
    read_.what = "learn.data." + entry.key;
  }

  std::optional<LearnedVariable> read() {
    const size_t before = diagnostics_.size();
    const int index = scope_.variable(entry_.key);
    if (!check_keys(entry_.value, Section::kLearnData, read_.what, diagnostics_)) return {};
    read_.column.variable = index;
    read_file();
    read_csv_keys();
    read_numbers();
    if (index < 0)
      report_unknown();
    else if (scope_.broken.count(entry_.key) == 0)
      check_kind(scope_.variables[static_cast<size_t>(index)]);
    if (diagnostics_.size() > before || index < 0) return {};
    return std::move(read_);
  }

 private:
  const Yaml::Entry* entry(const char* key) const { return entry_.value.entry(key); }
  std::string path_of(const char* key) const { return read_.what + "." + key; }
  const Key& key(const char* name) const { return key_table(Section::kLearnData).key(name); }

  void report_unknown() {
    if (scope_.incomplete) return;
    diagnostics_.add(entry_.place, fmt::format("learn.data must name variables, got '{}'. {}", entry_.key,
                                               suggestion(entry_.key, scope_.variable_names())));
  }

  void read_file() {
    const Yaml::Entry* file = entry("file");
    if (!file) return;
    if (!file->value.is_scalar() || file->value.text.empty()) {
      diagnostics_.add(file->value.place, fmt::format("{} must be the path of a file or folder, got {}",
                                                      path_of("file"), file->value.describe()));
      return;
    }
    read_.written = file->value.text;
    read_.path = files_.resolve(file->value).string();
    read_.file_place = file->value.place;
    const Yaml::Entry* array = entry("array");
    if (!array) return;
    read_.array = read_text(array->value, key("array"), path_of("array"), diagnostics_);
    read_.array_place = array->value.place;
    if (array_format_of(read_.path) != ArrayFormat::kSafetensors)
      diagnostics_.add(array->place,
                       fmt::format("{} must stand with a safetensors file, got '{}'", path_of("array"), read_.written));
  }

  void read_csv_keys() {
    if (const Yaml::Entry* columns = entry("columns"))
      read_.csv.columns = read_texts(columns->value, path_of("columns"), diagnostics_).value_or(read_.csv.columns);
    if (const Yaml::Entry* header = entry("header"))
      read_.csv.header = read_flag(header->value, path_of("header"), diagnostics_);
    for (const char* name : {"columns", "header"})
      if (const Yaml::Entry* one = entry(name);
          one && !read_.path.empty() && array_format_of(read_.path) != ArrayFormat::kCsv)
        diagnostics_.add(one->place,
                         fmt::format("{} must stand with a CSV file, got '{}'", path_of(name), read_.written));
  }

  void read_number_into(const char* name, double& value) {
    if (const Yaml::Entry* one = entry(name))
      value = read_number(one->value, key(name), path_of(name), diagnostics_).value_or(value);
  }

  void read_numbers() {
    DataColumn& column = read_.column;
    read_number_into("scale", column.scale);
    read_number_into("shift", column.shift);
    read_number_into("dequantise", column.dequantise);
    read_number_into("drop", column.drop);
    read_.has_scale = entry("scale") != nullptr;
    if (const Yaml::Entry* flip = entry("flip"))
      column.flip = read_text(flip->value, key("flip"), path_of("flip"), diagnostics_).has_value();
  }

  /// What labels have, numbers have not, and the other way about.
  void check_kind(const Variable& variable) {
    if (variable.categorical()) {
      for (const char* name : {"scale", "shift", "dequantise", "flip"})
        if (const Yaml::Entry* one = entry(name))
          diagnostics_.add(one->place,
                           fmt::format("{} must be left out, got one: '{}' is categorical, and its labels are taken as "
                                       "they are",
                                       path_of(name), variable.name));
      return;
    }
    if (const Yaml::Entry* drop = entry("drop"))
      diagnostics_.add(drop->place,
                       fmt::format("{} must be left out, got one: '{}' is not categorical, and labels alone "
                                   "can be dropped",
                                   path_of("drop"), variable.name));
    if (const Yaml::Entry* flip = entry("flip"); flip && !mirrored(variable.shape))
      diagnostics_.add(flip->place,
                       fmt::format("{} must stand with an image, [height, width] with or without 1 or 3 channels, got "
                                   "'{}' {}. Leave it out",
                                   path_of("flip"), variable.name, shape_text(variable.shape)));
  }

  const Yaml::Entry& entry_;
  const Scope& scope_;
  SourceFiles& files_;
  Diagnostics& diagnostics_;
  LearnedVariable read_;
};

/// The array of a file of rows, or of a folder of images, as it stands there.
class RowsLoader {
 public:
  RowsLoader(const LearnedVariable& source, Diagnostics& diagnostics)
      : source_(source), diagnostics_(diagnostics), format_(array_format_of(source.path)) {}

  /// @param hashes  gets that of the file; may be null
  std::optional<Array> load(std::map<std::string, std::string>* hashes) {
    Array array;
    try {
      if (!find()) return {};
      if (hashes && hashes->count(source_.path) == 0) (*hashes)[source_.path] = hash();
      array = read();
    } catch (const SettingError& error) {
      return fail("", error.what());
    } catch (const FileError& error) {
      return fail("", error.what());
    }
    if (array.shape.empty() || array.shape[0] < 1) return fail("", "must hold at least one row, got none");
    return array;
  }

  /// `between`: what stands between the path of the value and `text`. An error of a file names its file itself.
  std::nullopt_t fail(const std::string& between, const std::string& text) {
    const bool of_file = text.starts_with(source_.path);
    diagnostics_.add(source_.file_place, of_file ? text : fmt::format("{}{} {}", source_.what, between, text));
    return std::nullopt;
  }

 private:
  bool find() {
    std::error_code error;
    folder_ = std::filesystem::is_directory(source_.path, error);
    if (!folder_ && !std::filesystem::is_regular_file(source_.path, error)) {
      fail(".file",
           fmt::format("must be a file or a folder of PNG images that is there, got '{}'. Paths are relative to "
                       "{}",
                       source_.written,
                       source_.file_place.line > 0 ? "the file that says them" : "the working directory"));
      return false;
    }
    const bool known = format_ != ArrayFormat::kUnknown && format_ != ArrayFormat::kPng;
    if (!folder_ && !known)
      fail(".file",
           fmt::format("must be named .npy, .safetensors, .csv, .idx or -ubyte (the last two also .gz), or be a "
                       "folder of PNG images, got '{}'",
                       source_.written));
    return folder_ || known;
  }

  std::string hash() const {
    if (!folder_) return sha256_of_file(source_.path);
    std::string text;
    for (const std::filesystem::path& image : png_files(source_.path))
      text += image.filename().string() + '\0' + sha256_of_file(image) + '\n';
    return sha256_of_text(text);
  }

  Array read() const {
    if (folder_) return read_png_folder(source_.path);
    switch (format_) {
      case ArrayFormat::kNpy:
        return read_npy(source_.path);
      case ArrayFormat::kSafetensors:
        return read_safetensors_array(source_.path, source_.array,
                                      source_.array ? fmt::format("'{}'", *source_.array) : "");
      case ArrayFormat::kIdx:
        return read_idx(source_.path);
      default:  // find() lets no other through
        return read_csv(source_.path, source_.csv);
    }
  }

  const LearnedVariable& source_;
  Diagnostics& diagnostics_;
  const ArrayFormat format_;
  bool folder_ = false;
};

/// The array of a variable, read and checked.
class ColumnLoader {
 public:
  ColumnLoader(const LearnedVariable& source, const Variable& variable, Diagnostics& diagnostics)
      : source_(source), variable_(variable), rows_(source, diagnostics) {}

  std::optional<DataColumn> load(std::map<std::string, std::string>& hashes) {
    DataColumn column = source_.column;
    std::optional<Array> array = rows_.load(&hashes);
    if (!array) return {};
    column.array = std::move(*array);
    if (!has_shape(column.array)) return {};
    if (has_integers(column.array) && !variable_.categorical() && !source_.has_scale)
      return rows_.fail("", text_of_missing_scale(source_.written, column.array));
    if (const std::string wrong = objection(column, variable_); !wrong.empty()) return rows_.fail(":", wrong);
    return column;
  }

 private:
  /// The rows have the variable's shape, that shape but for a channel, or its numbers in one row.
  bool has_shape(const Array& array) {
    const std::vector<int64_t> row(array.shape.begin() + 1, array.shape.end());
    if (row == variable_.shape || row == std::vector<int64_t>{variable_.size()} ||
        same_but_for_a_channel(row, variable_.shape, true))
      return true;
    rows_.fail("", fmt::format("must hold rows of the shape of '{}' {}, got an array {}, whose rows are {}",
                               variable_.name, shape_text(variable_.shape), shape_text(array.shape), shape_text(row)));
    return false;
  }

  const LearnedVariable& source_;
  const Variable& variable_;
  RowsLoader rows_;
};

void check_rows(const LearnData& data, const std::vector<DataColumn>& columns, Diagnostics& diagnostics) {
  const int64_t rows = columns[0].rows();
  for (size_t i = 1; i < columns.size(); ++i)
    if (columns[i].rows() != rows)
      diagnostics.add(data.variables[i].file_place,
                      fmt::format("{} must have as many rows as {}, {}, got {}", data.variables[i].what,
                                  data.variables[0].what, rows, columns[i].rows()));
  if (data.hold_out >= rows)
    diagnostics.add(data.hold_out_place,
                    fmt::format("learn.hold_out must be < {}, the rows of {}, got {}. Leave rows to train on", rows,
                                data.variables[0].what, data.hold_out));
}

}  // namespace

bool has_integers(const Array& array) { return !is_float(array.type) && array.type != NumberType::kBool; }

std::string text_of_missing_scale(const std::string& written, const Array& array) {
  return fmt::format("must have a scale, since '{}' holds integers ({}). Add {}", written, name_of(array.type),
                     advice_on_scale(maximum_of(array.type)));
}

std::optional<Array> load_rows(const LearnedVariable& source, Diagnostics& diagnostics) {
  return RowsLoader(source, diagnostics).load(nullptr);
}

LearnData read_learn_data(const Yaml& learn, const Scope& scope, SourceFiles& files, Diagnostics& diagnostics) {
  LearnData read;
  if (const Yaml* hold_out = learn.find("hold_out")) {
    Key key;
    key.least = 0;
    read.hold_out = read_integer(*hold_out, key, "learn.hold_out", diagnostics).value_or(0);
    read.hold_out_place = hold_out->place;
  }
  const Yaml* data = learn.find("data");
  if (!data || !data->is_map() || data->map.empty()) {
    diagnostics.add(
        data ? data->place : learn.place,
        fmt::format("learn.data must be a map from variables to their data, got {}. Write data: {{x: {{file: "
                    "x.npy}}}}",
                    !data            ? "none"
                    : data->is_map() ? "an empty one"
                                     : data->describe()));
    return read;
  }
  for (const Yaml::Entry& entry : data->map)
    if (auto variable = VariableReader(entry, scope, files, diagnostics).read())
      read.variables.push_back(std::move(*variable));
  return read;
}

std::optional<LoadedData> load_learn_data(const LearnData& data, const std::vector<Variable>& variables,
                                          Diagnostics& diagnostics) {
  LoadedData loaded;
  for (const LearnedVariable& source : data.variables) {
    const Variable& variable = variables[static_cast<size_t>(source.column.variable)];
    if (auto column = ColumnLoader(source, variable, diagnostics).load(loaded.files))
      loaded.columns.push_back(std::move(*column));
  }
  if (loaded.columns.empty() || loaded.columns.size() < data.variables.size()) return {};
  const size_t before = diagnostics.size();
  check_rows(data, loaded.columns, diagnostics);
  if (diagnostics.size() > before) return {};
  return loaded;
}

}  // namespace potluck
