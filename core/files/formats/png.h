// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <vector>

namespace potluck {

/// An image of integers 0 ... maximum.
struct PngImage {
  int64_t height = 0;
  int64_t width = 0;
  int64_t channels = 1;                     ///< 1: gray, 3: RGB
  int64_t maximum = 255;                    ///< 255 or 65535
  std::vector<uint16_t> values;             ///< [height, width, channels]
  std::map<std::string, std::string> text;  ///< keyword -> text
};

/// Reads gray, RGB and palette images of up to 8 or 16 bits and 2^28 numbers; an alpha channel must be opaque
/// everywhere and is dropped. No gamma or colour profile is applied. @throws FileError
PngImage read_png(const std::filesystem::path& file);

/// Writes 8 bits a number, whole or not at all. `values` is [height, width, channels] with 1 or 3 channels.
/// Keywords of `text` have 1 to 79 Latin-1 letters.
void write_png(const std::filesystem::path& file, int64_t height, int64_t width, int64_t channels,
               std::span<const uint8_t> values, const std::map<std::string, std::string>& text = {});

}  // namespace potluck
