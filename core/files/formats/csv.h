// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "core/files/formats/array.h"

namespace potluck {

/// What is read of a CSV file.
struct CsvChoice {
  /// Names of the header, positions counted from 0 where there is none, or slices of positions such as "1:785", as
  /// NumPy reads them. Empty: all columns.
  std::vector<std::string> columns = {};
  /// Whether the first line has names. Nothing: it has where none of its fields is a number.
  std::optional<bool> header = {};
};

/// Reads columns of numbers: [rows, columns chosen], in the order chosen, as uint8 or int64 where all of them are
/// written as integers that fit (int64: up to 2^53), else as float64. One row a line; fields are separated by commas,
/// spaces around them do not count, and they may stand in double quotes. Columns that are not chosen may hold anything.
/// @throws FileError with file and line, where a line has another number of fields than the first, or a chosen field is
///   not a finite number.
Array read_csv(const std::filesystem::path& file, const CsvChoice& choice);

}  // namespace potluck
