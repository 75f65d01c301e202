// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/methods/method.h"

namespace potluck {

/// What the unadjusted splittings of underdamped Langevin dynamics share:
///
///   dx = v dt,  dv = -grad E dt - gamma v dt + sqrt(2 gamma T) dW
///
/// Velocities have unit mass and begin as N(0, T). At a reflecting face the velocity changes sign with the position.
class Underdamped : public Method {
 public:
  struct Options {
    double step_size = 0.1;  ///< h > 0, a time
    double friction = 1;     ///< gamma > 0
    bool tuned = false;      ///< warm-up finds h = sqrt(2 eps), eps that at which MALA accepts 0.9
  };

  Needs needs() const override { return {.velocity = true}; }
  void begin(Group& group, const Kernels& kernels, uint32_t step) const override;
  Tuning tuning() const override;
  std::unique_ptr<Method> tuned_in_place() const override;
  void take_tuned(const Method& adjusted) override;
  double step_size() const override { return options_.step_size; }
  void set_step_size(double step_size) override { options_.step_size = step_size; }

 protected:
  explicit Underdamped(const Options& options) : options_(options) {}
  static std::vector<SettingDescription> option_table(bool friction);
  static Options options_from(const std::vector<SettingValue>& values);

  /// Steps of kick, drift, `refresh`, drift, kick over halves of the step size.
  void kick_drift_refresh(Group& group, const Kernels& kernels, StepRange steps, const Piece& refresh) const;

  /// Share of the velocity that a refreshment over `time` keeps, and the deviation of its noise.
  Piece refreshment(const Group& group, double time, Purpose purpose) const;

  Options options_;
};

}  // namespace potluck
