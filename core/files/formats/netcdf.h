// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "core/files/formats/atomic_file.h"

namespace potluck {

/// Writes a NetCDF-4 file: groups with dimensions, compressed variables and attributes. The file appears whole or not
/// at all. All members throw FileError with the library's reason.
class NetcdfWriter {
 public:
  enum class Number { kFloat32, kFloat64, kInt64, kInt8 };
  struct Group {
    int id = 0;
  };
  struct Dimension {
    int id = 0;
    int64_t length = 0;
  };
  struct Variable {
    int group = 0;
    int id = 0;
    std::vector<int64_t> shape;
  };

  explicit NetcdfWriter(const std::filesystem::path& file);
  ~NetcdfWriter();
  NetcdfWriter(const NetcdfWriter&) = delete;
  NetcdfWriter& operator=(const NetcdfWriter&) = delete;

  Group root() const { return {file_}; }
  Group group(const std::string& name);
  Dimension dimension(Group group, const std::string& name, int64_t length);
  /// @param chunk  numbers of a chunk along each dimension; empty: the whole variable in one piece, not compressed.
  /// @param level  of deflate, 0 to 9, after shuffling the bytes; 0: not compressed.
  Variable variable(Group group, const std::string& name, Number number, const std::vector<Dimension>& dimensions,
                    const std::vector<int64_t>& chunk = {}, int level = 0);
  /// A variable of texts along one dimension, written at once.
  void texts(Group group, const std::string& name, Dimension dimension, const std::vector<std::string>& values);

  void attribute(Group group, const std::string& name, const std::string& value);
  void attribute(Group group, const std::string& name, double value);
  void attribute(Group group, const std::string& name, int64_t value);
  void attribute(const Variable& variable, const std::string& name, const std::string& value);

  /// Writes the block [start, start + count) from dense numbers of the variable's type.
  void put(const Variable& variable, const std::vector<int64_t>& start, const std::vector<int64_t>& count,
           const void* numbers);
  /// Writes the whole variable.
  void put(const Variable& variable, const void* numbers);

  /// Closes and renames to the final name.
  void finish();

 private:
  void check(int status, const std::string& what) const;

  std::string name_;
  AtomicFile target_;
  int file_ = -1;
};

/// The length of a dimension of a group; none where there is no such file, group or dimension. A damaged file may crash
/// the process within HDF5: one that may be is looked at in a child process.
std::optional<int64_t> netcdf_length(const std::filesystem::path& file, const std::string& group,
                                     const std::string& dimension);

}  // namespace potluck
