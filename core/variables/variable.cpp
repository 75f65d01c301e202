// SPDX-License-Identifier: Apache-2.0
#include "core/variables/variable.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>

namespace potluck {

namespace {

int64_t product(const std::vector<int64_t>& shape) {
  return std::accumulate(shape.begin(), shape.end(), int64_t{1}, std::multiplies<>());
}

}  // namespace

bool Variable::has_face() const { return !categorical() && (std::isfinite(least) || std::isfinite(most)); }

int64_t Variable::size() const { return product(shape); }

int64_t View::part_size() const { return product(part_shape); }

bool Held::all() const {
  return !mask.empty() && std::all_of(mask.begin(), mask.end(), [](uint8_t held) { return held != 0; });
}

}  // namespace potluck
