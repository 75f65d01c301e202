// SPDX-License-Identifier: Apache-2.0
#include "core/methods/langevin.h"

#include <fmt/format.h>

#include <cmath>

#include "core/methods/mala.h"

namespace potluck {

namespace {

constexpr double kFirstStepSize = 0.01;  // eps where tuning begins

}  // namespace

Langevin::Langevin(const Options& options)
    : options_(option_table().checked(options)), step_size_(options.step_size.value_or(kFirstStepSize)) {}

const OptionTable<Langevin::Options>& Langevin::option_table() {
  static const OptionTable<Options> table({option(
      &Options::step_size, step_size_option("eps: x moves by -eps grad E + sqrt(2 eps T) z; stable while eps times the "
                                            "largest curvature of E stays below 2",
                                            "the step size at which mala accepts 0.9, found in warm-up"))});
  return table;
}

MethodDescription Langevin::describe() {
  return {.name = "langevin",
          .summary = "unadjusted Langevin (ULA): cheap, biased by its step size",
          .reference =
              "Roberts & Tweedie 1996, Exponential convergence of Langevin distributions and their discrete "
              "approximations, Bernoulli 2",
          .exact = false,
          .options = option_table().declared()};
}

const MethodDescription& Langevin::description() const { return method("langevin"); }

void Langevin::advance(Group& group, const Kernels& kernels, StepRange steps) const {
  const double noise = noise_share_ * std::sqrt(2 * step_size_ * group.temperature);
  for (int64_t i = 0; i < steps.count; ++i) {
    const uint32_t step = steps.first + static_cast<uint32_t>(i);
    i == 0 ? kernels.langevin(group, step, step_size_, noise)
           : kernels.checked_langevin(group, step, step_size_, noise);
    group.evaluate();
  }
  kernels.freeze_failed(group, steps.first + static_cast<uint32_t>(steps.count - 1));
}

void Langevin::set_level(std::optional<double> eta, double square) {
  const double of_square = eta.value_or(level_step_size());
  step_size_ = of_square * square;
  noise_share_ = std::sqrt(1 - of_square / 2);
}

std::unique_ptr<Method> Langevin::tuned_in_place() const {
  return std::make_unique<Mala>(
      Mala::Options{.metric = Metric::kIdentity, .first_step_size = step_size_, .acceptance = 0.9});
}

std::vector<std::string> Langevin::notes(const MethodCounts&) const {
  return {
      fmt::format("langevin is unadjusted: with step_size {:g} a direction of curvature c has its variance "
                  "multiplied by 1/(1 - {:g} c). Use mala where that matters",
                  step_size_, step_size_ / 2)};
}

}  // namespace potluck
