// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "models/learned/initial_numbers.h"
#include "potluck/torch_model.hpp"

namespace potluck::models {

/// Makes the parameters of a network while it is created: from the user's weights where there are any, which must then
/// have all of them in the shapes of this architecture, and else at random or at a constant.
class ParameterMaker {
 public:
  explicit ParameterMaker(const plugin::Setup& setup) : setup_(setup) {}

  const plugin::Setup& setup() const { return setup_; }

  /// Normal numbers of this standard deviation, which depend on the run's initial key and on `name` alone: the first
  /// rows of a longer array are those of a shorter one.
  at::Tensor normal(const std::string& name, const std::vector<int64_t>& shape, double deviation) {
    return make(name, shape, true,
                [&](std::vector<double>& numbers) { fill_normal(setup_, name, deviation, numbers); });
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
    std::vector<double> numbers = initial_numbers(setup_, name, shape, fill);
    at::Tensor tensor = plugin::tensor_view(numbers.data(), shape, at::kCPU)
                            .to(plugin::torch_options(setup_), /*non_blocking=*/false, /*copy=*/true);
    made_.push_back({name, tensor, trainable});
    return tensor;
  }

  const plugin::Setup& setup_;
  std::vector<plugin::TorchParameter> made_;
};

}  // namespace potluck::models
