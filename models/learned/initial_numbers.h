// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cmath>
#include <cstdint>
#include <numbers>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "potluck/model/setup.hpp"

namespace potluck::models {

/// "[32, 1, 5, 5]"
inline std::string shape_in_words(const std::vector<int64_t>& shape) {
  std::string text;
  for (const int64_t extent : shape) text += (text.empty() ? "" : ", ") + std::to_string(extent);
  return "[" + text + "]";
}

/// Normal numbers of this standard deviation, which depend on the run's initial key and on `name` alone: the first of
/// more numbers are those of fewer.
inline void fill_normal(const plugin::Setup& setup, std::string_view name, double deviation,
                        std::vector<double>& numbers) {
  uint64_t hash = 0xcbf29ce484222325;  // FNV-1a
  for (const char c : name) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  const std::array<uint64_t, 2> key = setup.initial_key();
  std::mt19937_64 engine(key[0] ^ (key[1] * 0x9e3779b97f4a7c15) ^ hash);
  const auto uniform = [&] { return (static_cast<double>(engine() >> 11) + 0.5) * 0x1p-53; };
  for (double& number : numbers) {
    const double radius = std::sqrt(-2 * std::log(uniform()));
    number = deviation * radius * std::cos(2 * std::numbers::pi * uniform());
  }
}

/// What a parameter is at first: the numbers of the user's weights where there are any, which must have this shape and
/// be finite, and else what `fill(numbers)` makes of zeros.
template <class Fill>
std::vector<double> initial_numbers(const plugin::Setup& setup, const std::string& name,
                                    const std::vector<int64_t>& shape, Fill&& fill) {
  if (setup.has_weights()) {
    const plugin::Weight weight = setup.weight(name);
    const std::vector<int64_t> got(weight.shape().begin(), weight.shape().end());
    if (got != shape)
      throw setup.weight_error(
          weight, "must have the shape " + shape_in_words(shape) + " of this architecture, got " + shape_in_words(got));
    std::vector<double> numbers = weight.numbers();
    for (const double number : numbers)
      if (!std::isfinite(number))
        throw setup.weight_error(weight, "must have finite numbers, got " + plugin::shown(number));
    return numbers;
  }
  int64_t count = 1;
  for (const int64_t extent : shape) count *= extent;
  std::vector<double> numbers(static_cast<size_t>(count));
  fill(numbers);
  return numbers;
}

}  // namespace potluck::models
