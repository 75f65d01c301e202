// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <vector>

#include "core/methods/method.h"

namespace potluck {

/// Metropolis-adjusted Langevin: an exact kernel for exp(-E/T), accepted chain by chain.
///
///   y' = x - eps grad E(x) + sqrt(2 eps T) z,  y = fold(y')
///   log a = (E(x) - E(y))/T - [<x - y', g_x + s g_y>/2 + eps (|g_y|^2 - |g_x|^2)/4]/T
///
/// Roberts & Tweedie 1996; s is the sign of the fold at reflecting faces (docs/theory.md). Held coordinates take no
/// part. Energy and gradient of the current state are kept, so a step costs one evaluation.
class Mala final : public Method {
 public:
  struct Options {
    double step_size = 0.1;     ///< eps > 0, where tuning begins
    double acceptance = 0.574;  ///< mean acceptance that warm-up aims at: Roberts & Rosenthal 1998
    bool tuned = true;          ///< warm-up tunes eps
    bool metric = true;         ///< and the diagonal metric: eps is then that of u = x / s
    bool dense = false;         ///< the metric is a full matrix: they are then those of z (WhitenedEnergy)
  };
  explicit Mala(const Options& options) : options_(options) {}

  static MethodDescription describe();
  static std::unique_ptr<Method> create(const std::vector<SettingValue>& values);

  const MethodDescription& description() const override;
  Needs needs() const override { return {.proposal = true}; }
  void advance(Group& group, const Kernels& kernels, StepRange steps) const override;
  Tuning tuning() const override;
  double step_size() const override { return options_.step_size; }
  void set_step_size(double step_size) override { options_.step_size = step_size; }

 private:
  Options options_;
};

}  // namespace potluck
