// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/learning/learnable.h"

namespace potluck {

/// Which of LibTorch's optimisers (torch::optim), and its options. Names and presets are those of LibTorch.
struct OptimiserChoice {
  enum class Kind : uint8_t { kAdam, kAdamW, kSgd, kRmsprop, kLbfgs };  ///< kLbfgs: a Minimiser
  Kind kind = Kind::kAdam;
  double beta1 = 0.9, beta2 = 0.999;  ///< Adam and AdamW
  double epsilon = 1e-8;              ///< Adam, AdamW, RMSprop
  double momentum = 0;                ///< SGD and RMSprop
  double alpha = 0.99;                ///< RMSprop
  double weight_decay = 0;
};

/// What moves parameters, and remembers earlier moves: moments of gradients, or their differences. It points to the
/// arrays that it was made for.
class ParameterMover {
 public:
  virtual ~ParameterMover() = default;
  virtual std::vector<std::byte> save() const = 0;
  /// @throws std::exception where `saved` is not of such a one
  virtual void restore(std::span<const std::byte> saved) = 0;
};

/// Moves parameters against a gradient.
class Optimiser : public ParameterMover {
 public:
  /// One step. @param gradients  [arrays]: [size]  @param rate  the learning rate of this step
  virtual void step(std::span<const double* const> gradients, double rate) = 0;
};

/// Minimises a loss that it may evaluate at several values of the parameters in each iteration.
class Minimiser : public ParameterMover {
 public:
  /// The loss at the present numbers. @param gradients  [arrays]: [size], written
  using Loss = std::function<double(std::span<double* const> gradients)>;
  /// One iteration, at whose end the arrays hold what it came to.
  /// @param loss  first evaluated where the arrays stand  @param written  called before it is evaluated elsewhere
  virtual void iterate(const Loss& loss, const std::function<void()>& written) = 0;
};

/// @param arrays  those that are learned; their memory outlives the minimiser  @param device  where they are
using MakeMinimiser = std::unique_ptr<Minimiser>(const std::vector<LearnableArray>& arrays, const Device& device);

/// @param arrays  those that are learned; their memory outlives the optimiser  @param device  where they are
using MakeOptimiser = std::unique_ptr<Optimiser>(const OptimiserChoice& choice,
                                                 const std::vector<LearnableArray>& arrays, const Device& device);

}  // namespace potluck
