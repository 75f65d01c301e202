// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "core/sampling/annealing/annealed_particles.h"
#include "core/sampling/annealing/noise_ladder.h"

namespace potluck {

/// Particles down a ladder of noise sigma_0 > sigma_1 > ... > sigma_L, a number that the target's energy reads: from a
/// base near the law of the first level by importance weights w exp(E_0 - E(x, sigma_0)/T), and from level to level by
/// w exp((E(x, sigma_{k-1}) - E(x, sigma_k))/T). So E(x, sigma) need be known up to one constant for all levels only,
/// and the estimate is of log Z at the last level.
///
/// b of a stage is 0 at the base, 1/2 at the first level and (1 + r)/2 at the level that Schedule has behind the share
/// r of all. Where no levels are given, the next r is found by bisection, so that the conditional effective sample size
/// is a share of what it is at the present level; each trial is an evaluation.
///
/// Moves of a level have the step size eta sigma_k^2, with no metric; eta is tuned from stage to stage.
class NoiseAnnealed final : public AnnealedParticles {
 public:
  /// @param target   outlives this; its energy takes as many workers as there are threads
  /// @param options  its base and ladder do not count: those of the noise do
  /// @throws SettingError naming the option, its value and the bound it breaks.
  NoiseAnnealed(const Target& target, const AnnealedOptions& options, const NoiseLadder& ladder);

  /// The level of noise of a stage.
  double noise(double beta) const;

 private:
  void set_beta(double beta) override;
  double beta() const override { return beta_; }
  std::string where(double beta) const override;
  std::string advice() const override { return "Begin at a higher level of noise, or take more levels"; }
  std::vector<double> take() override;
  void weigh(double from, double to) override;
  double next_beta() override;
  AnnealedStage tuned_stage(double beta) const override;
  /// E/T of the particles at the level of b, where they now stand.
  const std::vector<double>& energies_at(double beta);
  std::vector<double> base_energies() const;
  /// The conditional effective share of the particles' weights from energies `before` to the level of b.
  double share_at(double beta, const std::vector<double>& before);

  NoiseLadder ladder_;
  Schedule levels_;  ///< those of the ladder, or many to choose from
  double to_ = 0;    ///< the given value
  double temperature_ = 1;
  double beta_ = 0;
  std::vector<double> energy_;  ///< [particles] E/T at the level of beta_, of state()
};

}  // namespace potluck
