// SPDX-License-Identifier: Apache-2.0
#include "core/files/formats/png_folder.h"

#include <fmt/core.h>

#include <algorithm>
#include <cctype>
#include <cstring>
#include <system_error>

#include "core/error.h"

namespace potluck {

namespace {

bool names_a_png(const std::filesystem::path& file) {
  std::string name = file.filename().string();
  std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return std::tolower(c); });
  return !name.starts_with('.') && name.ends_with(".png");
}

std::string describe(const Array& pixels) {
  return fmt::format("{} of {} bits", shape_text(pixels.shape), 8 * bytes_of(pixels.type));
}

}  // namespace

Array array_of(const PngImage& image) {
  Array array{image.maximum > 255 ? NumberType::kUint16 : NumberType::kUint8, {image.height, image.width}, {}};
  if (image.channels > 1) array.shape.push_back(image.channels);
  array.bytes.resize(image.values.size() * bytes_of(array.type));
  if (array.type == NumberType::kUint16)
    std::memcpy(array.bytes.data(), image.values.data(), array.bytes.size());
  else
    std::transform(image.values.begin(), image.values.end(), array.bytes.begin(),
                   [](uint16_t value) { return static_cast<std::byte>(value); });
  return array;
}

std::vector<std::filesystem::path> png_files(const std::filesystem::path& folder) {
  std::error_code error;
  std::vector<std::filesystem::path> files;
  for (std::filesystem::directory_iterator at(folder, error), end; !error && at != end; at.increment(error))
    if (names_a_png(at->path()) && at->is_regular_file(error)) files.push_back(at->path());
  if (error)
    throw FileError(fmt::format("{}: must be a folder that can be read, got '{}'", folder.string(), error.message()));
  if (files.empty())
    throw FileError(
        fmt::format("{}: must have images named .png in it, got none. Name another folder", folder.string()));
  std::sort(files.begin(), files.end());
  return files;
}

Array read_png_folder(const std::filesystem::path& folder) {
  const std::vector<std::filesystem::path> files = png_files(folder);
  Array all = array_of(read_png(files[0]));
  const Array first{all.type, all.shape, {}};
  for (size_t i = 1; i < files.size(); ++i) {
    const Array pixels = array_of(read_png(files[i]));
    if (pixels.shape != first.shape || pixels.type != first.type)
      throw FileError(fmt::format("{}: the image must be as '{}', {}, got {}. Make all images of the folder alike",
                                  files[i].string(), files[0].filename().string(), describe(first), describe(pixels)));
    all.bytes.insert(all.bytes.end(), pixels.bytes.begin(), pixels.bytes.end());
  }
  all.shape.insert(all.shape.begin(), static_cast<int64_t>(files.size()));
  return all;
}

}  // namespace potluck
