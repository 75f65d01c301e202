// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>

#include "core/files/formats/array.h"

namespace potluck {

/// Reads a NumPy .npy file (format 1.0 to 3.0) of bools, integers or floats of 16 (read as float32), 32 or 64 bits;
/// Fortran order and big-endian numbers are converted. @throws FileError naming the file and what is wrong in it.
Array read_npy(const std::filesystem::path& file);

/// Writes format 1.0, C order, whole or not at all.
void write_npy(const std::filesystem::path& file, const Array& array);

}  // namespace potluck
