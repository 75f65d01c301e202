// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <vector>

#include "core/files/formats/array.h"
#include "core/files/formats/png.h"

namespace potluck {

/// The pixels of an image: [height, width] of grey ones, [height, width, 3] of colours; uint8, or uint16 where it has
/// 16 bits.
Array array_of(const PngImage& image);

/// The files of a folder whose names end with .png, in the order of their names (byte by byte); names that begin with a
/// dot are left out. @throws FileError where there are none.
std::vector<std::filesystem::path> png_files(const std::filesystem::path& folder);

/// All of them in one array, [images, ...] as array_of(). @throws FileError naming the first image whose size, colours
/// or bits are not those of the first.
Array read_png_folder(const std::filesystem::path& folder);

}  // namespace potluck
