// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>

#include "core/methods/method_options.h"

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
    /// h > 0, the time of a leapfrog; none: tuned in warm-up. Give one where runs must have the same.
    std::optional<double> step_size = std::nullopt;
    int64_t leapfrogs = 1;  ///< of a proposal, 1 ... 1000: more where velocities must carry farther before a decision
    double kept = 0.9;      ///< share of the velocity that a refreshment keeps, 0 ... 0.999999: less forgets it sooner
    /// In which coordinates: a matrix (kDense) for long axes that lie across them, kIdentity to compare runs. Tuned,
    /// but for kIdentity, where step_size is none; kDense wants it to be.
    Metric metric = Metric::kAuto;
  };
  /// @throws SettingError naming the option, its value and the bound it breaks.
  explicit Ghmc(const Options& options);

  static MethodDescription describe();
  static const OptionTable<Options>& option_table();

  const MethodDescription& description() const override;
  Needs needs() const override { return {.proposal = true, .velocity = true, .proposal_velocity = true}; }
  void begin(Group& group, const Kernels& kernels, uint32_t step) const override;
  void advance(Group& group, const Kernels& kernels, StepRange steps) const override;
  int64_t evaluations(StepRange steps) const override { return steps.count * options_.leapfrogs; }
  bool makes_trajectories() const override { return true; }
  Tuning tuning() const override;
  double step_size() const override { return step_size_; }
  void set_step_size(double step_size) override { step_size_ = step_size; }

 private:
  Options options_;
  double step_size_;
};

}  // namespace potluck
