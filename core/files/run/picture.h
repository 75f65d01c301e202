// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace potluck {

/// How a variable's numbers lie in a picture.
struct ImageLayout {
  int64_t height = 0;
  int64_t width = 0;
  int64_t channels = 1;  ///< 1: gray, 3: RGB
  bool planar = false;   ///< [channels, height, width] rather than [height, width, channels]

  int64_t size() const { return height * width * channels; }
  /// Index of (y, x, channel) in the variable.
  int64_t index(int64_t y, int64_t x, int64_t channel) const;
};

/// [h, w] and [1, h, w] are gray, [3, h, w] and [h, w, 3] colour; none for other shapes. [3, h, 3] counts as planar.
std::optional<ImageLayout> image_layout(const std::vector<int64_t>& shape);

/// The values that become black and white.
struct GrayRange {
  double black = 0;
  double white = 1;
};

/// The support where it is bounded, else the 1 % and 99 % quantiles of the finite values.
GrayRange picture_range(double least, double most, std::span<const double> values);

/// Colours, 8 bits a channel.
struct Picture {
  int64_t height = 0;
  int64_t width = 0;
  std::vector<uint8_t> rgb;  ///< [height, width, 3]
};

/// `images` is [count, layout.size()]. Each is enlarged by a whole factor so that its shorter side has at least
/// `shorter_side` pixels, where the grid stays below 2400; thin lines separate them; given pixels (mask 1,
/// [layout.size()] or empty) are tinted and framed. Values that are not finite are red.
Picture draw_grid(const ImageLayout& layout, std::span<const double> images, int64_t count, const GrayRange& range,
                  std::span<const uint8_t> given, int64_t shorter_side = 84);

}  // namespace potluck
