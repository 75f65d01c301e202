// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <vector>

#include "core/methods/method.h"

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
    double step_size = 0.01;  ///< eps > 0
    bool tuned = false;       ///< warm-up finds eps: that at which MALA accepts 0.9
  };
  explicit Langevin(const Options& options) : options_(options) {}

  static MethodDescription describe();
  static std::unique_ptr<Method> create(const std::vector<SettingValue>& values);

  const MethodDescription& description() const override;
  void advance(Group& group, const Kernels& kernels, StepRange steps) const override;
  Tuning tuning() const override { return {.acceptance = options_.tuned ? std::optional<double>(0.9) : std::nullopt}; }
  std::unique_ptr<Method> tuned_in_place() const override;
  void take_tuned(const Method& adjusted) override { options_.step_size = adjusted.step_size(); }
  double step_size() const override { return options_.step_size; }
  void set_step_size(double step_size) override { options_.step_size = step_size; }
  std::vector<std::string> notes(const MethodCounts& counts) const override;

 private:
  Options options_;
};

}  // namespace potluck
