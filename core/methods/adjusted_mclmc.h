// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/methods/method.h"

namespace potluck {

/// Microcanonical Monte Carlo with a Metropolis decision: fresh directions on the unit sphere, `n` leapfrogs of the
/// isokinetic dynamics of Mclmc, accepted chain by chain:
///
///   log a = (E(x) - E(y)) / T - sum over kicks of (d - 1) log(cosh delta + (e.v) sinh delta)
///
/// Robnik, Cohn-Gordon & Seljak 2025, Metropolis adjusted microcanonical Hamiltonian Monte Carlo. n = ceil(2 u L / h)
/// is jittered as in Hmc; h is tuned to a mean acceptance of 0.9, that paper's choice.
class AdjustedMclmc final : public Method {
 public:
  struct Options {
    double step_size = 0.1;  ///< h > 0, where tuning begins
    double length = 0;       ///< > 0; 0: sqrt(d), which prepare fills in
    bool tuned = true;
    bool metric = true;
    bool dense = false;                      ///< the metric is a full matrix: they are then those of z (WhitenedEnergy)
    int64_t max_leapfrogs = kMostLeapfrogs;  ///< of a trajectory, 1 ... kMostLeapfrogs
  };
  explicit AdjustedMclmc(const Options& options) : options_(options) {}

  static MethodDescription describe();
  static std::unique_ptr<Method> create(const std::vector<SettingValue>& values);

  const MethodDescription& description() const override;
  Needs needs() const override { return {.proposal = true, .proposal_velocity = true}; }
  void check(const Target& target) const override;
  void prepare(const Target& target) override;
  void advance(Group& group, const Kernels& kernels, StepRange steps) const override;
  Tuning tuning() const override;
  double step_size() const override { return options_.step_size; }
  void set_step_size(double step_size) override { options_.step_size = step_size; }
  bool replayable() const override { return false; }
  int64_t evaluations(StepRange steps) const override;
  bool makes_trajectories() const override { return true; }
  double trajectory_length() const override { return options_.length; }
  std::vector<std::string> notes(const MethodCounts& counts) const override;

 private:
  Options options_;
};

}  // namespace potluck
