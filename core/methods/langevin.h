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
  std::vector<std::string> notes(const MethodCounts& counts) const override;

 private:
  Options options_;
  double step_size_;
};

}  // namespace potluck
