// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cmath>
#include <cstdint>
#include <numbers>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "potluck/torch_model.hpp"

namespace potluck::models {

/// "[32, 1, 5, 5]"
inline std::string shape_in_words(const std::vector<int64_t>& shape) {
  std::string text;
  for (const int64_t extent : shape) text += (text.empty() ? "" : ", ") + std::to_string(extent);
  return "[" + text + "]";
}

/// Makes the parameters of a network while it is created: from the user's weights where there are any, which must then
/// have all of them in the shapes of this architecture, and else at random or at a constant.
class ParameterMaker {
 public:
  explicit ParameterMaker(const plugin::Setup& setup) : setup_(setup) {}

  const plugin::Setup& setup() const { return setup_; }

  /// Normal numbers of this standard deviation, which depend on the run's initial key and on `name` alone: the first
  /// rows of a longer array are those of a shorter one.
  at::Tensor normal(const std::string& name, const std::vector<int64_t>& shape, double deviation) {
    return make(name, shape, true, [&](std::vector<double>& numbers) {
      const std::array<uint64_t, 2> key = setup_.initial_key();
      std::mt19937_64 engine(key[0] ^ (key[1] * 0x9e3779b97f4a7c15) ^ hash(name));
      const auto uniform = [&] { return (static_cast<double>(engine() >> 11) + 0.5) * 0x1p-53; };
      for (double& number : numbers) {
        const double radius = std::sqrt(-2 * std::log(uniform()));
        number = deviation * radius * std::cos(2 * std::numbers::pi * uniform());
      }
    });
  }
  at::Tensor constant(const std::string& name, const std::vector<int64_t>& shape, double value, bool trainable = true) {
    return make(name, shape, trainable, [&](std::vector<double>& numbers) {
      for (double& number : numbers) number = value;
    });
  }

  const std::vector<plugin::TorchParameter>& made() const { return made_; }

 private:
  template <class Fill>
  at::Tensor make(const std::string& name, const std::vector<int64_t>& shape, bool trainable, Fill&& fill) {
    std::vector<double> numbers;
    if (setup_.has_weights()) {
      const plugin::Weight weight = setup_.weight(name);
      const std::vector<int64_t> got(weight.shape().begin(), weight.shape().end());
      if (got != shape)
        throw setup_.weight_error(weight, "must have the shape " + shape_in_words(shape) +
                                              " of this architecture, got " + shape_in_words(got));
      numbers = weight.numbers();
      for (const double number : numbers)
        if (!std::isfinite(number))
          throw setup_.weight_error(weight, "must have finite numbers, got " + plugin::shown(number));
    } else {
      int64_t count = 1;
      for (const int64_t extent : shape) count *= extent;
      numbers.resize(static_cast<size_t>(count));
      fill(numbers);
    }
    at::Tensor tensor = plugin::tensor_view(numbers.data(), shape, at::kCPU)
                            .to(plugin::torch_options(setup_), /*non_blocking=*/false, /*copy=*/true);
    made_.push_back({name, tensor, trainable});
    return tensor;
  }

  /// FNV-1a.
  static uint64_t hash(std::string_view name) {
    uint64_t state = 0xcbf29ce484222325;
    for (const char c : name) state = (state ^ static_cast<unsigned char>(c)) * 0x100000001b3;
    return state;
  }

  const plugin::Setup& setup_;
  std::vector<plugin::TorchParameter> made_;
};

}  // namespace potluck::models
