// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "core/files/formats/array.h"
#include "core/files/formats/array_rows.h"

namespace potluck {

/// Named arrays with text metadata, as a .safetensors file holds them: 8 bytes of header length, a JSON header, raw
/// little-endian numbers.
struct Safetensors {
  std::map<std::string, Array> arrays;
  std::map<std::string, std::string> metadata;
};

/// F16 and BF16 are converted to float32. The offsets must cover the data without holes or overlaps, and the header
/// may have at most 100 MB, as the format asks. @throws FileError naming the file, the array and what is wrong.
Safetensors read_safetensors(const std::filesystem::path& file);

/// Names of its arrays, sorted. Reads the header alone. @throws FileError
std::vector<std::string> safetensors_names(const std::filesystem::path& file);

/// The array `name`, a few rows at a time. @throws FileError
ArrayRows safetensors_rows(const std::filesystem::path& file, const std::string& name);

/// Gives a file another text under one key of its metadata, whole or not at all. All else in its header and every byte
/// of its numbers stays. @throws FileError
void set_safetensors_metadata(const std::filesystem::path& file, const std::string& key, const std::string& text);

/// Writes whole or not at all, arrays in the order of their names; the numbers begin at a multiple of 8 bytes.
void write_safetensors(const std::filesystem::path& file, const Safetensors& contents);

}  // namespace potluck
