// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "core/files/formats/array.h"
#include "core/files/formats/array_rows.h"

namespace potluck {

/// Reads a NumPy .npy file (format 1.0 to 3.0) of bools, integers or floats of 16 (read as float32), 32 or 64 bits;
/// Fortran order and big-endian numbers are converted. @throws FileError naming the file and what is wrong in it.
Array read_npy(const std::filesystem::path& file);

/// The same, a few rows at a time. An array in Fortran order is read whole. @throws FileError
ArrayRows npy_rows(const std::filesystem::path& file);

/// What stands before the numbers in format 1.0, in C order.
/// @param type  as npy_type() names it, or "<U7" of texts
/// @param file  for errors
std::string npy_start(const std::string& type, const std::vector<int64_t>& shape, const std::filesystem::path& file);

/// "<f8", "|u1"
std::string npy_type(NumberType type);

/// Writes format 1.0, C order, whole or not at all.
void write_npy(const std::filesystem::path& file, const Array& array);

}  // namespace potluck
