// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>

#include "core/methods/method_options.h"

namespace potluck {

/// What the unadjusted splittings of underdamped Langevin dynamics share:
///
///   dx = v dt,  dv = -grad E dt - gamma v dt + sqrt(2 gamma T) dW
///
/// Velocities have unit mass and begin as N(0, T). At a reflecting face the velocity changes sign with the position.
class Underdamped : public Method {
 public:
  struct Options {
    /// h > 0, a time; none: warm-up finds sqrt(2 eps) with eps that at which MALA accepts 0.9. Give a smaller one for a
    /// smaller bias.
    std::optional<double> step_size = std::nullopt;
    /// gamma > 0, one over a time: smaller ones carry velocities farther, larger ones forget them sooner. Of no meaning
    /// to leimkuhler_matthews.
    double friction = 1;
  };

  Needs needs() const override { return {.velocity = true}; }
  void begin(Group& group, const Kernels& kernels, uint32_t step) const override;
  Tuning tuning() const override;
  std::unique_ptr<Method> tuned_in_place() const override;
  void take_tuned(const Method& adjusted) override;
  double step_size() const override { return step_size_; }
  void set_step_size(double step_size) override { step_size_ = step_size; }

 protected:
  Underdamped(const Options& options, const OptionTable<Options>& table);
  static BoundOption<Options> step_size_bound();
  static BoundOption<Options> friction_bound();

  /// Steps of kick, drift, `refresh`, drift, kick over halves of the step size.
  void kick_drift_refresh(Group& group, const Kernels& kernels, StepRange steps, const Piece& refresh) const;

  /// Share of the velocity that a refreshment over `time` keeps, and the deviation of its noise.
  Piece refreshment(const Group& group, double time, Purpose purpose) const;

  Options options_;
  double step_size_;
};

}  // namespace potluck
