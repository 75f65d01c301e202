// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/energy/annealed_energy.h"
#include "core/sampling/annealing/annealed_particles.h"
#include "core/sampling/start/start.h"

namespace potluck {

/// Particles along E_b = (1 - b) E_0 + b E/T (AnnealedEnergy), from the base of the options to the target: weights are
/// w exp(-(b_k - b_{k-1}) (E/T - E_0)). The next b is found by bisection so that the conditional effective sample size
/// (sum W w)^2 / sum W w^2 of its weights w, W those so far, is a share of what it is at b + 0 (Zhou, Johansen & Aston
/// 2016), where a particle without density has lost its weight already.
class Annealed final : public AnnealedParticles {
 public:
  /// @param target  outlives this; its energy takes as many workers as there are threads
  /// @throws SettingError naming the option, its value and the bound it breaks.
  Annealed(const Target& target, const AnnealedOptions& options);

 private:
  /// The root of the base's mean variance over the variables that move.
  double length_of_base(const std::vector<Variable>& variables) const;
  void set_beta(double beta) override { energy_.set_beta(beta); }
  double beta() const override { return energy_.beta(); }
  std::string where(double beta) const override;
  std::string advice() const override { return "Begin nearer to the target: mean and scale of the base"; }
  std::vector<double> take() override;
  void weigh(double from, double to) override;
  double next_beta() override;
  AnnealedStage tuned_stage(double beta) const override;

  AnnealedEnergy energy_;
  std::unique_ptr<Start> base_;
  std::vector<double> apart_;  ///< [particles] E/T - E_0, of state()
};

}  // namespace potluck
