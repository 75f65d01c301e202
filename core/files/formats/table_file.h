// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace potluck {

/// An axis that the rows of a column have.
struct TableAxis {
  std::string name;  ///< "expert"
  int64_t length = 0;
  std::vector<std::string> names = {};  ///< of its places; empty: they are numbered from 0
};

/// A column of a table: an array of the same shape in each row.
struct TableColumn {
  std::string name;                  ///< "energy"
  std::string description;           ///< "E of the composite"
  std::vector<TableAxis> axes = {};  ///< of a row; none: one number
  bool float32 = false;              ///< its numbers are float32; else float64

  int64_t size() const;  ///< numbers of a row
};

/// What is known of rows of data, written a few rows at a time in memory that does not grow with them. The file appears
/// whole or not at all.
///   .npz  an array [rows, axes ...] for each column, and the names on each axis that has some
///   .nc   NetCDF-4: a variable for each column, with dimension `row` and those of the axes; descriptions and
///   attributes .csv  a line for each row; a field for each number, named "energy", "expert_energy[left]",
///   "gradient_x[0, 2]"
class TableFile {
 public:
  struct Contents {
    int64_t rows = 0;  ///< >= 1
    std::vector<TableColumn> columns;
    std::map<std::string, std::string> attributes = {};  ///< of the whole; in .nc only
  };

  virtual ~TableFile() = default;
  /// The next rows: for each column [rows, axes ...] numbers. @throws FileError
  virtual void append(int64_t rows, const std::vector<const double*>& numbers) = 0;
  /// Every row must have been appended. @throws FileError, and then the file did not appear
  virtual void finish() = 0;
};

/// "npz", "nc", "csv": the format that a file's name stands for; empty: none.
std::string table_format(const std::filesystem::path& file);

/// @throws FileError where the name stands for no format, or the file cannot be made
std::unique_ptr<TableFile> make_table_file(const std::filesystem::path& file, const TableFile::Contents& contents);

}  // namespace potluck
