// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "core/methods/method.h"
#include "core/methods/option_table.h"

namespace potluck {

/// The recipe published with image energy-based models, kept apart because it is not a sample of exp(-E):
///
///   x' = x - step clip(grad E(x)) + noise z
///
/// Du & Mordatch 2019, section 4 and released code: step 10, noise 0.005, elementwise clip 0.01, images clipped to
/// their box. Where nothing is clipped it is Langevin at temperature noise^2 / (2 step) = 1.25e-6; the run's own
/// temperature takes no part. On E = x^2/2 with clip and box off the variance is noise^2 / (1 - (1 - step)^2).
class EbmPractice final : public Method {
 public:
  struct Options {
    double step = 10;      ///< > 0, what the clipped gradient is multiplied by: smaller for a descent that swings
    double noise = 0.005;  ///< >= 0, standard deviation of a step's noise, in units of x: 0 for descent alone
    double clip = 0.01;    ///< >= 0, bound of every element of the gradient: inf for the gradient as it is
    bool clamp = true;     ///< put what leaves the support on its face, as published; false: reflect
  };
  /// @throws SettingError naming the option, its value and the bound it breaks.
  explicit EbmPractice(const Options& options);

  static MethodDescription describe();
  static const OptionTable<Options>& option_table();

  const MethodDescription& description() const override;
  void check(const Target& target) const override;
  void advance(Group& group, const Kernels& kernels, StepRange steps) const override;
  double step_size() const override { return options_.step; }
  std::vector<std::string> notes(const MethodCounts& counts) const override;

 private:
  Options options_;
};

}  // namespace potluck
