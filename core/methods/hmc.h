// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/methods/method.h"

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
    double step_size = 0.1;        ///< h > 0, where tuning begins
    double trajectory_length = 1;  ///< tau > 0, the mean time of a trajectory, where tuning begins
    bool step_size_tuned = true;
    bool trajectory_tuned = true;
    bool metric = true;  ///< tune the diagonal metric: h and tau are then those of u = x / s
    bool dense = false;  ///< the metric is a full matrix: they are then those of z (WhitenedEnergy)
    int64_t max_leapfrogs = kDefaultMaxLeapfrogs;  ///< of a trajectory, 1 ... kMostLeapfrogs
  };
  explicit Hmc(const Options& options) : options_(options) {}

  static MethodDescription describe();
  static std::unique_ptr<Method> create(const std::vector<SettingValue>& values);

  const MethodDescription& description() const override;
  Needs needs() const override { return {.proposal = true, .proposal_velocity = true}; }
  void advance(Group& group, const Kernels& kernels, StepRange steps) const override;
  int64_t evaluations(StepRange steps) const override;
  bool makes_trajectories() const override { return true; }
  bool replayable() const override { return false; }
  Tuning tuning() const override;
  void freeze() override { options_.trajectory_tuned = false; }
  double step_size() const override { return options_.step_size; }
  void set_step_size(double step_size) override { options_.step_size = step_size; }
  double trajectory_length() const override { return options_.trajectory_length; }
  void set_trajectory_length(double length) override { options_.trajectory_length = length; }
  std::vector<std::string> notes(const MethodCounts& counts) const override;

 private:
  Options options_;
};

}  // namespace potluck
