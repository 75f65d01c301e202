// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/methods/method.h"

namespace potluck {

/// Microcanonical Langevin Monte Carlo, unadjusted: velocities are unit vectors, kicked along the gradient without
/// changing their length, and refreshed in part:
///
///   dx = v dt,  dv = -(1 - v v') grad E / (T (d - 1)) dt,  then v <- (v + nu z) / |v + nu z|
///   nu = sqrt((e^(2 h / L) - 1) / d)
///
/// Robnik, De Luca, Silverstein & Seljak 2023; leapfrog splitting. Its marginal in x is exp(-E/T) but for the bias of
/// the step size h, which warm-up sets by the variance of the energy error: 5e-4 per coordinate and step, that paper's
/// choice. L is the length over which a direction is forgotten. Needs d >= 2 coordinates that move.
class Mclmc final : public Method {
 public:
  struct Options {
    double step_size = 0.1;  ///< h > 0, where tuning begins
    double length = 0;       ///< > 0; 0: sqrt(d), which prepare fills in
    bool tuned = true;
    bool metric = true;
    bool dense = false;  ///< the metric is a full matrix: they are then those of z (WhitenedEnergy)
  };
  explicit Mclmc(const Options& options) : options_(options) {}

  static MethodDescription describe();
  static std::unique_ptr<Method> create(const std::vector<SettingValue>& values);

  const MethodDescription& description() const override;
  Needs needs() const override { return {.velocity = true}; }
  int energy_errors() const override { return 1; }
  void check(const Target& target) const override;
  void prepare(const Target& target) override;
  void begin(Group& group, const Kernels& kernels, uint32_t step) const override;
  void advance(Group& group, const Kernels& kernels, StepRange steps) const override;
  Tuning tuning() const override;
  double step_size() const override { return options_.step_size; }
  void set_step_size(double step_size) override { options_.step_size = step_size; }
  std::vector<std::string> notes(const MethodCounts& counts) const override;

 private:
  Options options_;
};

}  // namespace potluck
