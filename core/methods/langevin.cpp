// SPDX-License-Identifier: Apache-2.0
#include "core/methods/langevin.h"

#include <fmt/format.h>

#include <cmath>

#include "core/methods/mala.h"
#include "core/methods/method_options.h"

namespace potluck {

MethodDescription Langevin::describe() {
  return {.name = "langevin",
          .summary = "unadjusted Langevin (ULA): cheap, biased by its step size",
          .reference =
              "Roberts & Tweedie 1996, Exponential convergence of Langevin distributions and their discrete "
              "approximations, Bernoulli 2",
          .exact = false,
          .options = {step_size_option("eps: x moves by -eps grad E + sqrt(2 eps T) z; stable while eps times the "
                                       "largest curvature of E stays below 2",
                                       "the step size at which mala accepts 0.9, found in warm-up")}};
}

std::unique_ptr<Method> Langevin::create(const std::vector<SettingValue>& values) {
  return std::make_unique<Langevin>(
      Options{.step_size = number_of(values.at(0), 0.01), .tuned = is_auto(values.at(0))});
}

const MethodDescription& Langevin::description() const { return method("langevin"); }

void Langevin::advance(Group& group, const Kernels& kernels, StepRange steps) const {
  const double noise = std::sqrt(2 * options_.step_size * group.temperature);
  for (int64_t i = 0; i < steps.count; ++i) {
    const uint32_t step = steps.first + static_cast<uint32_t>(i);
    i == 0 ? kernels.langevin(group, step, options_.step_size, noise)
           : kernels.checked_langevin(group, step, options_.step_size, noise);
    group.evaluate();
  }
  kernels.freeze_failed(group, steps.first + static_cast<uint32_t>(steps.count - 1));
}

std::unique_ptr<Method> Langevin::tuned_in_place() const {
  return std::make_unique<Mala>(Mala::Options{.step_size = options_.step_size, .acceptance = 0.9, .metric = false});
}

std::vector<std::string> Langevin::notes(const MethodCounts&) const {
  return {
      fmt::format("langevin is unadjusted: with step_size {:g} a direction of curvature c has its variance "
                  "multiplied by 1/(1 - {:g} c). Use mala where that matters",
                  options_.step_size, options_.step_size / 2)};
}

}  // namespace potluck
