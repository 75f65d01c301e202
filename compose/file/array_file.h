// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "core/error.h"
#include "core/files/formats/array.h"
#include "core/files/formats/csv.h"

namespace potluck {

enum class ArrayFormat { kNpy, kSafetensors, kPng, kIdx, kCsv, kUnknown };

/// By the ending of the name: .npy, .safetensors, .png, .csv, and IDX (.idx, -ubyte, .ubyte, each also .gz).
ArrayFormat array_format_of(const std::filesystem::path& path);

/// The array of that name in a safetensors file; without a name its only one.
/// @param written  what errors call the name: "'mean'"
/// @throws FileError where several are there and no name; SettingError where there is none of that name
Array read_safetensors_array(const std::filesystem::path& path, const std::optional<std::string>& name,
                             const std::string& written);

/// The shapes agree but for the one channel of grey pictures, which stands last, or first in planes where `planes`
/// says that the source may leave them out: [h, w] and [h, w, 1], or [1, h, w].
bool same_but_for_a_channel(const std::vector<int64_t>& source, const std::vector<int64_t>& variable, bool planes);

/// "scale: 1/255 for numbers in 0 ... 1, or scale: 1", for integers of at most `maximum`.
std::string advice_on_scale(double maximum);

}  // namespace potluck
