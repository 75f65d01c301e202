// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <vector>

#include "core/methods/method.h"

namespace potluck {

/// Generalised Hamiltonian Monte Carlo: the velocity persists, is refreshed in part, and turns back where a proposal is
/// rejected:
///
///   v <- kept v + sqrt((1 - kept^2) T) z, leapfrogs, accept with log a of Hmc, else v <- -v
///
/// Horowitz 1991. Without the flip the kernel is wrong. Small steps with high acceptance let the velocity live on, so
/// warm-up aims at 0.9.
class Ghmc final : public Method {
 public:
  struct Options {
    double step_size = 0.1;  ///< h > 0, where tuning begins
    int64_t leapfrogs = 1;   ///< of a proposal, >= 1
    double kept = 0.9;       ///< share of the velocity that a refreshment keeps, in [0, 1)
    bool tuned = true;
    bool metric = true;
    bool dense = false;  ///< the metric is a full matrix: they are then those of z (WhitenedEnergy)
  };
  explicit Ghmc(const Options& options) : options_(options) {}

  static MethodDescription describe();
  static std::unique_ptr<Method> create(const std::vector<SettingValue>& values);

  const MethodDescription& description() const override;
  Needs needs() const override { return {.proposal = true, .velocity = true, .proposal_velocity = true}; }
  void begin(Group& group, const Kernels& kernels, uint32_t step) const override;
  void advance(Group& group, const Kernels& kernels, StepRange steps) const override;
  int64_t evaluations(StepRange steps) const override { return steps.count * options_.leapfrogs; }
  bool makes_trajectories() const override { return true; }
  Tuning tuning() const override;
  double step_size() const override { return options_.step_size; }
  void set_step_size(double step_size) override { options_.step_size = step_size; }

 private:
  Options options_;
};

}  // namespace potluck
