// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/methods/method_options.h"

namespace potluck {

/// Unadjusted Langevin (ULA):
///
///   x' = fold(x - eps grad E(x) + sqrt(2 eps T) z)
///
/// Parisi 1981; Roberts & Tweedie 1996. Biased: on a quadratic energy of precision lambda its law is normal with
/// variance (T/lambda) / (1 - eps lambda / 2), stable for eps lambda < 2; at reflecting faces it is biased too.
///
/// At a level of noise sigma, with eps = eta sigma^2 (set_level), its noise is that of the Ornstein-Uhlenbeck process:
///
///   x' = fold(x - eta sigma^2 grad E(x) + sigma sqrt((2 eta - eta^2) T) z)
///
/// which is exact where the precision is 1/sigma^2: in all directions in which data are thin beside the noise.
class Langevin final : public Method {
 public:
  struct Options {
    /// eps > 0, in squared units of x; none: warm-up finds that at which MALA accepts 0.9. Give a smaller one for a
    /// smaller bias.
    std::optional<double> step_size = std::nullopt;
  };
  /// @throws SettingError naming the option, its value and the bound it breaks.
  explicit Langevin(const Options& options);

  static MethodDescription describe();
  static const OptionTable<Options>& option_table();

  const MethodDescription& description() const override;
  void advance(Group& group, const Kernels& kernels, StepRange steps) const override;
  Tuning tuning() const override { return {.acceptance = options_.step_size ? std::nullopt : std::optional(0.9)}; }
  std::unique_ptr<Method> tuned_in_place() const override;
  void take_tuned(const Method& adjusted) override { step_size_ = adjusted.step_size(); }
  double step_size() const override { return step_size_; }
  void set_step_size(double step_size) override { step_size_ = step_size; }
  double level_step_size() const override { return 0.2; }
  void set_level(std::optional<double> eta, double square) override;
  std::vector<std::string> notes(const MethodCounts& counts) const override;

 private:
  Options options_;
  double step_size_;
  double noise_share_ = 1;  ///< of the noise's deviation sqrt(2 eps T)
};

}  // namespace potluck
