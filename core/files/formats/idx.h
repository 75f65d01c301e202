// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

#include "core/files/formats/array.h"
#include "core/files/formats/array_rows.h"

namespace potluck {

/// The IDX format of the MNIST family, plain or gzip'ed: zeros, a type byte, the number of dimensions, big-endian
/// lengths, numbers. What follows the numbers is ignored by read_idx_row and refused by read_idx.

/// Shape and type only.
Array read_idx_header(const std::filesystem::path& file);

/// The whole array. @throws FileError
Array read_idx(const std::filesystem::path& file);

/// The same, a few rows at a time. @throws FileError
ArrayRows idx_rows(const std::filesystem::path& file);

/// Row `row` of the first dimension, of shape shape[1:]: a plain file is read there only, a gzip'ed one is decompressed
/// up to there in pieces. @throws FileError, also for a row that the file does not have.
Array read_idx_row(const std::filesystem::path& file, int64_t row);

}  // namespace potluck
