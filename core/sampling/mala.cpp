// SPDX-License-Identifier: Apache-2.0
#include "core/sampling/mala.h"

#include <cmath>

namespace potluck {

MethodDescription Mala::describe() {
  return {.name = "mala",
          .summary = "Metropolis-adjusted Langevin: exact, its step size tuned during warm-up",
          .reference = "Roberts & Tweedie 1996, Bernoulli 2; acceptance 0.574: Roberts & Rosenthal 1998, JRSS B 60",
          .exact = true,
          .options = {{.name = "step_size",
                       .kind = SettingKind::kReal,
                       .preset = "auto",
                       .least = kPositive,
                       .choices = {"auto"},
                       .summary = "eps of the proposal x - eps grad E + sqrt(2 eps T) z; auto: tuned in warm-up"}}};
}

std::unique_ptr<Method> Mala::create(const std::vector<SettingValue>& values) {
  const double step_size = values.at(0).real.at(0);
  if (std::isnan(step_size)) return std::make_unique<Mala>(Options{});
  return std::make_unique<Mala>(Options{.step_size = step_size, .tuned = false});
}

const MethodDescription& Mala::description() const { return method("mala"); }

void Mala::check(const Energy&, double) const {}

void Mala::advance(Group& group, const Kernels& kernels, StepRange steps) const {
  const double noise = std::sqrt(2 * options_.step_size * group.temperature);
  for (int64_t i = 0; i < steps.count; ++i) {
    const uint32_t step = steps.first + static_cast<uint32_t>(i);
    kernels.propose_langevin(group, step, options_.step_size, noise);
    group.evaluate_proposal();
    kernels.decide_langevin(group, step, options_.step_size);
  }
}

std::optional<double> Mala::wanted_acceptance() const {
  return options_.tuned ? std::optional<double>(0.574) : std::nullopt;
}

}  // namespace potluck
