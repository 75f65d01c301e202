// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/methods/method_options.h"

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
    /// h > 0, the time of a leapfrog at unit speed; none: tuned in warm-up. Give a smaller one for a smaller bias.
    std::optional<double> step_size = std::nullopt;
    /// L > 0, in units of x; none: sqrt(d). Give a longer one where the target is wide in few directions.
    std::optional<double> decoherence_length = std::nullopt;
    /// In which coordinates: a matrix (kDense) for long axes that lie across them, kIdentity to compare runs. Tuned,
    /// but for kIdentity, where step_size is none; kDense wants it to be.
    Metric metric = Metric::kAuto;
  };
  /// @throws SettingError naming the option, its value and the bound it breaks.
  explicit Mclmc(const Options& options);

  static MethodDescription describe();
  static const OptionTable<Options>& option_table();

  const MethodDescription& description() const override;
  Needs needs() const override { return {.velocity = true}; }
  int energy_errors() const override { return 1; }
  void check(const Target& target) const override;
  void prepare(const Target& target) override;
  void begin(Group& group, const Kernels& kernels, uint32_t step) const override;
  void advance(Group& group, const Kernels& kernels, StepRange steps) const override;
  Tuning tuning() const override;
  double step_size() const override { return step_size_; }
  void set_step_size(double step_size) override { step_size_ = step_size; }
  std::vector<std::string> notes(const MethodCounts& counts) const override;

 private:
  Options options_;
  double step_size_;
  double length_;  ///< 0: sqrt(d), which prepare fills in
};

}  // namespace potluck
