// SPDX-License-Identifier: Apache-2.0
#include "core/methods/mala.h"

#include <cmath>

#include "core/methods/method_options.h"

namespace potluck {

MethodDescription Mala::describe() {
  return {.name = "mala",
          .summary = "Metropolis-adjusted Langevin: exact, its step size tuned during warm-up",
          .reference = "Roberts & Tweedie 1996, Bernoulli 2; acceptance 0.574: Roberts & Rosenthal 1998, JRSS B 60",
          .exact = true,
          .options = {step_size_option("eps of the proposal x - eps grad E + sqrt(2 eps T) z",
                                       "tuned in warm-up to a mean acceptance of 0.574"),
                      metric_option()}};
}

std::unique_ptr<Method> Mala::create(const std::vector<SettingValue>& values) {
  return std::make_unique<Mala>(Options{.step_size = number_of(values.at(0), 0.1),
                                        .tuned = is_auto(values.at(0)),
                                        .metric = metric_tuned(values.at(1), values.at(0)),
                                        .dense = metric_dense(values.at(1))});
}

const MethodDescription& Mala::description() const { return method("mala"); }

void Mala::advance(Group& group, const Kernels& kernels, StepRange steps) const {
  const double noise = std::sqrt(2 * options_.step_size * group.temperature);
  for (int64_t i = 0; i < steps.count; ++i) {
    const uint32_t step = steps.first + static_cast<uint32_t>(i);
    kernels.propose_langevin(group, step, options_.step_size, noise);
    group.evaluate_proposal();
    kernels.clear_ratio(group);
    kernels.add_langevin_ratio(group, options_.step_size);
    kernels.decide(group, step, false);
  }
}

Tuning Mala::tuning() const {
  if (!options_.tuned) return {};
  return {.acceptance = options_.acceptance, .metric = options_.metric, .dense = options_.dense, .step_power = 2};
}

}  // namespace potluck
