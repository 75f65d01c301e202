// SPDX-License-Identifier: Apache-2.0
#include "core/files/run/picture.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "core/files/formats/array.h"

namespace potluck {

namespace {

constexpr int64_t kLargestGrid = 2400;  ///< pixels of the whole grid, unless the images alone need more
constexpr int64_t kSeparator = 2;

using Colour = std::array<uint8_t, 3>;
constexpr Colour kSeparatorColour = {72, 76, 84};
constexpr Colour kFrame = {64, 132, 255};
constexpr Colour kNotFinite = {230, 30, 30};
constexpr double kTint = 0.14;  ///< share of the frame's colour in a given pixel

struct Canvas {
  Picture picture;

  Canvas(int64_t height, int64_t width) {
    picture.height = height;
    picture.width = width;
    for (int64_t i = 0; i < height * width; ++i) {
      picture.rgb.insert(picture.rgb.end(), kSeparatorColour.begin(), kSeparatorColour.end());
    }
  }

  void set(int64_t y, int64_t x, const Colour& colour) {
    std::copy(colour.begin(), colour.end(), picture.rgb.begin() + 3 * (y * picture.width + x));
  }
};

/// Given in all of its channels; false outside the image.
class GivenPixels {
 public:
  GivenPixels(const ImageLayout& layout, std::span<const uint8_t> mask) : layout_(layout), mask_(mask) {}

  bool at(int64_t y, int64_t x) const {
    if (mask_.empty() || y < 0 || x < 0 || y >= layout_.height || x >= layout_.width) return false;
    for (int64_t c = 0; c < layout_.channels; ++c) {
      if (mask_[static_cast<size_t>(layout_.index(y, x, c))] == 0) return false;
    }
    return true;
  }

 private:
  const ImageLayout& layout_;
  std::span<const uint8_t> mask_;
};

Colour colour_of(const ImageLayout& layout, std::span<const double> image, int64_t y, int64_t x, const GrayRange& range,
                 bool given) {
  Colour colour;
  for (int64_t c = 0; c < 3; ++c) {
    const double value = image[static_cast<size_t>(layout.index(y, x, layout.channels == 3 ? c : 0))];
    if (!std::isfinite(value)) return kNotFinite;
    const double share = std::clamp((value - range.black) / (range.white - range.black), 0.0, 1.0);
    const double tinted = given ? (1 - kTint) * 255 * share + kTint * kFrame[static_cast<size_t>(c)] : 255 * share;
    colour[static_cast<size_t>(c)] = static_cast<uint8_t>(std::lround(tinted));
  }
  return colour;
}

void draw_image(Canvas& canvas, int64_t top, int64_t left, int64_t zoom, const ImageLayout& layout,
                std::span<const double> image, const GrayRange& range, const GivenPixels& given) {
  for (int64_t y = 0; y < layout.height; ++y) {
    for (int64_t x = 0; x < layout.width; ++x) {
      const bool mine = given.at(y, x);
      const Colour colour = colour_of(layout, image, y, x, range, mine);
      for (int64_t i = 0; i < zoom; ++i) {
        for (int64_t k = 0; k < zoom; ++k) {
          // The frame stands on the outermost line of the enlarged given pixels; without room for it the tint must do.
          const bool frame = mine && zoom >= 3 &&
                             ((i == 0 && !given.at(y - 1, x)) || (i == zoom - 1 && !given.at(y + 1, x)) ||
                              (k == 0 && !given.at(y, x - 1)) || (k == zoom - 1 && !given.at(y, x + 1)));
          canvas.set(top + y * zoom + i, left + x * zoom + k, frame ? kFrame : colour);
        }
      }
    }
  }
}

}  // namespace

int64_t ImageLayout::index(int64_t y, int64_t x, int64_t channel) const {
  return planar ? (channel * height + y) * width + x : (y * width + x) * channels + channel;
}

std::optional<ImageLayout> image_layout(const std::vector<int64_t>& shape) {
  if (count_of(shape) < 1) return std::nullopt;
  if (shape.size() == 2) return ImageLayout{shape[0], shape[1], 1, true};
  if (shape.size() != 3) return std::nullopt;
  if (shape[0] == 1 || shape[0] == 3) return ImageLayout{shape[1], shape[2], shape[0], true};
  if (shape[2] == 3) return ImageLayout{shape[0], shape[1], 3, false};
  return std::nullopt;
}

GrayRange picture_range(double least, double most, std::span<const double> values) {
  if (std::isfinite(least) && std::isfinite(most)) return {least, most};
  std::vector<double> finite;
  std::copy_if(values.begin(), values.end(), std::back_inserter(finite), [](double v) { return std::isfinite(v); });
  if (finite.empty()) return {0, 1};
  const auto order = [&](double share) {
    const auto at = static_cast<std::ptrdiff_t>(std::lround(share * static_cast<double>(finite.size() - 1)));
    std::nth_element(finite.begin(), finite.begin() + at, finite.end());
    return finite[static_cast<size_t>(at)];
  };
  const GrayRange range{order(0.01), order(0.99)};
  return range.white > range.black ? range : GrayRange{range.black - 0.5, range.black + 0.5};
}

Picture draw_grid(const ImageLayout& layout, std::span<const double> images, int64_t count, const GrayRange& range,
                  std::span<const uint8_t> given, int64_t shorter_side) {
  const auto columns = static_cast<int64_t>(std::ceil(std::sqrt(static_cast<double>(count))));
  const int64_t rows = (count + columns - 1) / columns;
  const int64_t shorter = std::min(layout.height, layout.width);
  const int64_t longest = std::max(rows * layout.height, columns * layout.width);
  const int64_t zoom = std::max<int64_t>(1, std::min((shorter_side + shorter - 1) / shorter, kLargestGrid / longest));
  const int64_t height = layout.height * zoom + kSeparator, width = layout.width * zoom + kSeparator;
  Canvas canvas(rows * height + kSeparator, columns * width + kSeparator);
  const GivenPixels given_pixels(layout, given);
  for (int64_t i = 0; i < count; ++i) {
    const auto image = images.subspan(static_cast<size_t>(i * layout.size()), static_cast<size_t>(layout.size()));
    draw_image(canvas, i / columns * height + kSeparator, i % columns * width + kSeparator, zoom, layout, image, range,
               given_pixels);
  }
  return std::move(canvas.picture);
}

}  // namespace potluck
