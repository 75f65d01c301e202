// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>

#include "core/methods/method_options.h"

namespace potluck {

/// Metropolis-adjusted Langevin: an exact kernel for exp(-E/T), accepted chain by chain.
///
///   y' = x - eps grad E(x) + sqrt(2 eps T) z,  y = fold(y')
///   log a = (E(x) - E(y))/T - [<x - y', g_x + s g_y>/2 + eps (|g_y|^2 - |g_x|^2)/4]/T
///
/// Roberts & Tweedie 1996; s is the sign of the fold at reflecting faces (docs/theory.md). Held coordinates take no
/// part. Energy and gradient of the current state are kept, so a step costs one evaluation.
class Mala final : public Method {
 public:
  struct Options {
    /// eps > 0, in squared units of x; none: tuned in warm-up. Give one where runs must have the same.
    std::optional<double> step_size = std::nullopt;
    /// In which coordinates: a matrix (kDense) for long axes that lie across them, kIdentity to compare runs. Tuned,
    /// but for kIdentity, where step_size is none; kDense wants it to be.
    Metric metric = Metric::kAuto;
    // What the user has no word for; an unadjusted method that is tuned by this one says it.
    double first_step_size = 0.1;  ///< eps > 0, where tuning begins
    double acceptance = 0.574;     ///< in (0, 1), the mean that tuning aims at: Roberts & Rosenthal 1998
  };
  /// @throws SettingError naming the option, its value and the bound it breaks.
  explicit Mala(const Options& options);

  static MethodDescription describe();
  static const OptionTable<Options>& option_table();

  const MethodDescription& description() const override;
  Needs needs() const override { return {.proposal = true}; }
  void advance(Group& group, const Kernels& kernels, StepRange steps) const override;
  Tuning tuning() const override;
  double step_size() const override { return step_size_; }
  void set_step_size(double step_size) override { step_size_ = step_size; }
  double level_step_size() const override { return 0.1; }

 private:
  Options options_;
  double step_size_;
};

}  // namespace potluck
