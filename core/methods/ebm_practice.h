// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <vector>

#include "core/methods/method.h"

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
    double step = 10;
    double noise = 0.005;
    double clip = 0.01;  ///< inf: off
    bool clamp = true;   ///< put what leaves the support on its face; false: reflect
  };
  explicit EbmPractice(const Options& options) : options_(options) {}

  static MethodDescription describe();
  static std::unique_ptr<Method> create(const std::vector<SettingValue>& values);

  const MethodDescription& description() const override;
  void check(const Target& target) const override;
  void advance(Group& group, const Kernels& kernels, StepRange steps) const override;
  double step_size() const override { return options_.step; }
  std::vector<std::string> notes(const MethodCounts& counts) const override;

 private:
  Options options_;
};

}  // namespace potluck
