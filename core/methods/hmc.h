// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/methods/method_options.h"

namespace potluck {

/// Hamiltonian Monte Carlo: fresh velocities v ~ N(0, T), leapfrogs of size h over a time t, accepted chain by chain:
///
///   log a = (E(x) + |v|^2/2 - E(y) - |w|^2/2) / T
///
/// Duane, Kennedy, Pendleton & Roweth 1987; Neal 2011. t is jittered: ceil(2 u tau / h) leapfrogs, u quasi-random and
/// the same for all chains, so that they move in step. In warm-up tau climbs the change of the squared distance from
/// the centre over all chains (ChEES, Hoffman, Radul & Sountsov 2021) per third root of the time (docs/theory.md, 3.4),
/// and h is tuned to an acceptance of 0.651, harmonic mean over chains, that paper's choice. Faces reflect positions
/// and velocities; held coordinates have no velocity.
class Hmc final : public Method {
 public:
  /// What targets that gain from long trajectories want, and runaway tuning ends
  /// (docs/decisions/0011-how-long-trajectories-may-be.md).
  static constexpr int64_t kDefaultMaxLeapfrogs = 256;

  struct Options {
    /// h > 0, the time of a leapfrog; none: tuned in warm-up. Give one where runs must have the same.
    std::optional<double> step_size = std::nullopt;
    /// tau > 0, the mean time of a trajectory; none: tuned. Give one where ChEES stays too short: a mode far away.
    std::optional<double> trajectory_length = std::nullopt;
    /// In which coordinates: a matrix (kDense) for long axes that lie across them, kIdentity to compare runs. Tuned,
    /// but for kIdentity, where step_size is none; kDense wants it to be.
    Metric metric = Metric::kAuto;
    /// Of a trajectory, 1 ... kMostLeapfrogs. Raise it where the run says that trajectories were cut and chains mix
    /// slowly.
    int64_t max_leapfrogs = kDefaultMaxLeapfrogs;
  };
  /// @throws SettingError naming the option, its value and the bound it breaks.
  explicit Hmc(const Options& options);

  static MethodDescription describe();
  static const OptionTable<Options>& option_table();

  const MethodDescription& description() const override;
  Needs needs() const override { return {.proposal = true, .proposal_velocity = true}; }
  void advance(Group& group, const Kernels& kernels, StepRange steps) const override;
  int64_t evaluations(StepRange steps) const override;
  bool makes_trajectories() const override { return true; }
  bool replayable() const override { return false; }
  Tuning tuning() const override;
  void freeze() override { trajectory_watched_ = false; }
  double step_size() const override { return step_size_; }
  void set_step_size(double step_size) override { step_size_ = step_size; }
  double trajectory_length() const override { return trajectory_length_; }
  void set_trajectory_length(double length) override { trajectory_length_ = length; }
  std::vector<std::string> notes(const MethodCounts& counts) const override;

 private:
  Options options_;
  double step_size_, trajectory_length_;
  bool trajectory_watched_;  ///< warm-up still tunes the length
};

}  // namespace potluck
