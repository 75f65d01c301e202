// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/methods/method_options.h"

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
    /// h > 0, the time of a leapfrog at unit speed; none: tuned in warm-up. Give one where runs must have the same.
    std::optional<double> step_size = std::nullopt;
    /// L > 0, the mean length in units of x; none: sqrt(d). Give a longer one where the target is wide in few
    /// directions.
    std::optional<double> trajectory_length = std::nullopt;
    /// In which coordinates: a matrix (kDense) for long axes that lie across them, kIdentity to compare runs. Tuned,
    /// but for kIdentity, where step_size is none; kDense wants it to be.
    Metric metric = Metric::kAuto;
    /// Of a trajectory, 1 ... kMostLeapfrogs. Lower it to bound what a step costs.
    int64_t max_leapfrogs = kMostLeapfrogs;
  };
  /// @throws SettingError naming the option, its value and the bound it breaks.
  explicit AdjustedMclmc(const Options& options);

  static MethodDescription describe();
  static const OptionTable<Options>& option_table();

  const MethodDescription& description() const override;
  Needs needs() const override { return {.proposal = true, .proposal_velocity = true}; }
  void check(const Target& target) const override;
  void prepare(const Target& target) override;
  void advance(Group& group, const Kernels& kernels, StepRange steps) const override;
  Tuning tuning() const override;
  double step_size() const override { return step_size_; }
  void set_step_size(double step_size) override { step_size_ = step_size; }
  bool replayable() const override { return false; }
  int64_t evaluations(StepRange steps) const override;
  bool makes_trajectories() const override { return true; }
  double trajectory_length() const override { return length_; }
  std::vector<std::string> notes(const MethodCounts& counts) const override;

 private:
  Options options_;
  double step_size_;
  double length_;  ///< 0: sqrt(d), which prepare fills in
};

}  // namespace potluck
