// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/chains/chains.h"
#include "core/energy/energy.h"
#include "core/methods/method.h"

namespace potluck::testing {

/// Bounds of every check: 6 standard errors for a correct program; a twin must be at least 8 away. Kolmogorov's D at
/// n = 10^6: .0037 and .0042.
inline constexpr double kPass = 6, kReject = 8;
inline constexpr double kPassD = 0.0037, kRejectD = 0.0042;

/// Independent chains of one variable, moved on the energy's device by a method from given starts [chains, n]; of a
/// method that tempers every replica is a chain here, ladder after ladder.
class Walkers {
 public:
  Walkers(const Energy& energy, const Method& method, const std::vector<double>& start, uint32_t seed,
          double temperature = 1);
  void move(int64_t steps);
  /// Positions [chains, n].
  std::vector<double> positions();
  /// Velocities [chains, n], of a method that keeps them; on the CPU.
  std::vector<double> velocities();
  void set_velocities(const std::vector<double>& velocity);
  /// Sum of acceptance probabilities over the moves so far, the mean over chains.
  double acceptance();
  int64_t chains() const { return chains_->count(); }
  /// Everything that the chains have counted.
  const ChainsState& state();

 private:
  /// Calls use(velocity, element of [chains, n]) for every coordinate of every chain.
  void visit_velocities(const std::function<void(double& velocity, int64_t element)>& use);

  const Energy& energy_;
  const Method& method_;
  std::unique_ptr<Chains> chains_;
  ChainsState state_;
  uint32_t step_ = 0;
};

/// A method of the library with the options that are named; the others have their presets.
std::unique_ptr<Method> named(const std::string& method_name, const OptionWords& words);

/// A method made of one function, for broken twins.
class Twin final : public Method {
 public:
  using Advance = std::function<void(Group&, const Kernels&, uint32_t step)>;
  Twin(Advance advance, bool proposes) : advance_(std::move(advance)), proposes_(proposes) {}
  const MethodDescription& description() const override { return method("mala"); }
  Needs needs() const override { return {.proposal = proposes_}; }
  double step_size() const override { return 0; }
  void advance(Group& group, const Kernels& kernels, StepRange steps) const override {
    for (int64_t i = 0; i < steps.count; ++i) advance_(group, kernels, steps.first + static_cast<uint32_t>(i));
  }

 private:
  Advance advance_;
  bool proposes_;
};

/// MALA in plain scalar code with knobs that break it. The decision of row r reads `ratio(r)` and `uniform(r)`.
struct MalaFaults {
  double correction = 1;           ///< 2: 2 eps stands for 4 eps in the ratio
  bool one_decision = false;       ///< the whole group accepts or rejects on the summed ratios
  bool one_uniform = false;        ///< own ratios, but every chain of the group reads one uniform
  bool folded_difference = false;  ///< the ratio is formed with the folded proposal
};
std::unique_ptr<Method> broken_mala(double step_size, const MalaFaults& faults);

/// How many standard errors of n independent values the mean of `values` is away from `expected`.
double z_mean(const std::vector<double>& values, double expected);

/// As z_mean for the variance about the values' own mean; the standard error is taken from the values.
double z_variance(const std::vector<double>& values, double expected);

/// Kolmogorov's distance of the sample from a distribution function.
double kolmogorov(std::vector<double> values, const std::function<double(double)>& cdf);

/// Every stride-th value from `first`.
std::vector<double> column(const std::vector<double>& values, int64_t first, int64_t stride);

}  // namespace potluck::testing
