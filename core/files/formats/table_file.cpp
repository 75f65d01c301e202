// SPDX-License-Identifier: Apache-2.0
#include "core/files/formats/table_file.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <iterator>
#include <set>

#include "core/error.h"
#include "core/files/formats/atomic_file.h"
#include "core/files/formats/netcdf.h"
#include "core/files/formats/npy.h"
#include "core/files/formats/npz.h"
#include "core/files/formats/utf8_text.h"

namespace potluck {

namespace {

using Contents = TableFile::Contents;

std::vector<int64_t> shape_of(const TableColumn& column, int64_t rows) {
  std::vector<int64_t> shape = {rows};
  for (const TableAxis& axis : column.axes) shape.push_back(axis.length);
  return shape;
}

/// The axes of all columns, each once.
std::vector<TableAxis> axes_of(const Contents& contents) {
  std::vector<TableAxis> axes;
  std::set<std::string> seen;
  for (const TableColumn& column : contents.columns)
    for (const TableAxis& axis : column.axes)
      if (seen.insert(axis.name).second) axes.push_back(axis);
  return axes;
}

/// Numbers in the type of their column.
class Typed {
 public:
  const void* of(const TableColumn& column, const double* numbers, size_t count) {
    if (!column.float32) return numbers;
    narrow_.assign(numbers, numbers + count);
    return narrow_.data();
  }
  static size_t bytes(const TableColumn& column) { return column.float32 ? sizeof(float) : sizeof(double); }

 private:
  std::vector<float> narrow_;
};

class NpzTable final : public TableFile {
 public:
  NpzTable(const std::filesystem::path& file, const Contents& contents)
      : columns_(contents.columns), npz_(file, members_of(contents)) {
    size_t member = columns_.size();
    for (const TableAxis& axis : axes_of(contents)) {
      if (axis.names.empty()) continue;
      const std::u32string letters = padded(axis.names);
      npz_.append(member++, letters.data(), letters.size() * sizeof(char32_t));
    }
  }

  void append(int64_t rows, const std::vector<const double*>& numbers) override {
    for (size_t c = 0; c < columns_.size(); ++c) {
      const auto count = static_cast<size_t>(rows * columns_[c].size());
      npz_.append(c, typed_.of(columns_[c], numbers[c], count), count * Typed::bytes(columns_[c]));
    }
  }

  void finish() override { npz_.finish(); }

 private:
  static std::vector<NpzWriter::Member> members_of(const Contents& contents) {
    std::vector<NpzWriter::Member> members;
    for (const TableColumn& column : contents.columns)
      members.push_back({column.name, npy_type(column.float32 ? NumberType::kFloat32 : NumberType::kFloat64),
                         shape_of(column, contents.rows)});
    for (const TableAxis& axis : axes_of(contents))
      if (!axis.names.empty()) members.push_back({axis.name, fmt::format("<U{}", longest(axis.names)), {axis.length}});
    return members;
  }

  static size_t longest(const std::vector<std::string>& names) {
    size_t most = 1;
    for (const std::string& name : names) most = std::max(most, code_points(name).size());
    return most;
  }

  /// Each as long as the longest, filled up with zeros, as NumPy has texts.
  static std::u32string padded(const std::vector<std::string>& names) {
    std::u32string all;
    const size_t most = longest(names);
    for (const std::string& name : names) {
      std::u32string letters = code_points(name);
      letters.resize(most, U'\0');
      all += letters;
    }
    return all;
  }

  std::vector<TableColumn> columns_;
  NpzWriter npz_;
  Typed typed_;
};

class NetcdfTable final : public TableFile {
 public:
  NetcdfTable(const std::filesystem::path& file, const Contents& contents) : columns_(contents.columns), netcdf_(file) {
    const auto root = netcdf_.root();
    const auto row = netcdf_.dimension(root, "row", contents.rows);
    std::map<std::string, NetcdfWriter::Dimension> dimensions;
    for (const TableAxis& axis : axes_of(contents)) {
      const auto dimension = netcdf_.dimension(root, axis.name, axis.length);
      dimensions[axis.name] = dimension;
      if (!axis.names.empty()) netcdf_.texts(root, axis.name, dimension, axis.names);
    }
    for (const TableColumn& column : columns_) {
      std::vector<NetcdfWriter::Dimension> own = {row};
      for (const TableAxis& axis : column.axes) own.push_back(dimensions.at(axis.name));
      variables_.push_back(netcdf_.variable(
          root, column.name, column.float32 ? NetcdfWriter::Number::kFloat32 : NetcdfWriter::Number::kFloat64, own));
      netcdf_.attribute(variables_.back(), "long_name", column.description);
    }
    for (const auto& [name, text] : contents.attributes) netcdf_.attribute(root, name, text);
  }

  void append(int64_t rows, const std::vector<const double*>& numbers) override {
    for (size_t c = 0; c < columns_.size(); ++c) {
      const std::vector<int64_t> count = shape_of(columns_[c], rows);
      std::vector<int64_t> start(count.size(), 0);
      start[0] = done_;
      netcdf_.put(variables_[c], start, count,
                  typed_.of(columns_[c], numbers[c], static_cast<size_t>(rows * columns_[c].size())));
    }
    done_ += rows;
  }

  void finish() override { netcdf_.finish(); }

 private:
  std::vector<TableColumn> columns_;
  NetcdfWriter netcdf_;
  std::vector<NetcdfWriter::Variable> variables_;
  int64_t done_ = 0;
  Typed typed_;
};

/// RFC 4180.
std::string field(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string quoted = "\"";
  for (const char letter : text) {
    if (letter == '"') quoted += '"';
    quoted += letter;
  }
  return quoted + '"';
}

/// "energy", "expert_energy[left]", "gradient_x[0, 2]"
std::string field_name(const TableColumn& column, int64_t number) {
  if (column.axes.empty()) return column.name;
  std::vector<std::string> places(column.axes.size());
  for (size_t a = places.size(); a-- > 0; number /= column.axes[a].length) {
    const int64_t at = number % column.axes[a].length;
    const std::vector<std::string>& names = column.axes[a].names;
    places[a] = names.empty() ? std::to_string(at) : names[static_cast<size_t>(at)];
  }
  return fmt::format("{}[{}]", column.name, fmt::join(places, ", "));
}

class CsvTable final : public TableFile {
 public:
  CsvTable(const std::filesystem::path& file, const Contents& contents) : columns_(contents.columns), target_(file) {
    std::vector<std::string> fields;
    for (const TableColumn& column : columns_)
      for (int64_t i = 0; i < column.size(); ++i) fields.push_back(field(field_name(column, i)));
    const std::string head = fmt::format("{}\n", fmt::join(fields, ","));
    target_.write(head.data(), head.size());
  }

  void append(int64_t rows, const std::vector<const double*>& numbers) override {
    lines_.clear();
    for (int64_t row = 0; row < rows; ++row) {
      for (size_t c = 0; c < columns_.size(); ++c) {
        const int64_t size = columns_[c].size();
        for (int64_t i = row * size; i < (row + 1) * size; ++i) put(numbers[c][i], columns_[c].float32);
      }
      lines_.back() = '\n';  // in place of the last comma
    }
    target_.write(lines_.data(), lines_.size());
  }

  void finish() override { target_.commit(); }

 private:
  /// In as many digits as it takes to read the same number back.
  void put(double number, bool float32) {
    if (float32)
      fmt::format_to(std::back_inserter(lines_), "{},", static_cast<float>(number));
    else
      fmt::format_to(std::back_inserter(lines_), "{},", number);
  }

  std::vector<TableColumn> columns_;
  AtomicFile target_;
  std::string lines_;
};

}  // namespace

int64_t TableColumn::size() const {
  int64_t size = 1;
  for (const TableAxis& axis : axes) size *= axis.length;
  return size;
}

std::string table_format(const std::filesystem::path& file) {
  const std::string end = file.extension().string();
  return end == ".npz" || end == ".nc" || end == ".csv" ? end.substr(1) : "";
}

std::unique_ptr<TableFile> make_table_file(const std::filesystem::path& file, const Contents& contents) {
  const std::string format = table_format(file);
  if (format == "npz") return std::make_unique<NpzTable>(file, contents);
  if (format == "nc") return std::make_unique<NetcdfTable>(file, contents);
  if (format == "csv") return std::make_unique<CsvTable>(file, contents);
  throw FileError(fmt::format("{}: must be named .npz, .nc or .csv, got another ending", file.string()));
}

}  // namespace potluck
