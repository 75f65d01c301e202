// SPDX-License-Identifier: Apache-2.0
#include "core/methods/mala.h"

#include <cmath>

namespace potluck {

Mala::Mala(const Options& options)
    : options_(option_table().checked(options)), step_size_(options.step_size.value_or(options.first_step_size)) {
  check_metric(options.metric, options.step_size);
}

const OptionTable<Mala::Options>& Mala::option_table() {
  static const OptionTable<Options> table(
      {option(&Options::step_size, step_size_option("eps of the proposal x - eps grad E + sqrt(2 eps T) z",
                                                    "tuned in warm-up to a mean acceptance of 0.574")),
       metric_option(&Options::metric)});
  return table;
}

MethodDescription Mala::describe() {
  return {.name = "mala",
          .summary = "Metropolis-adjusted Langevin: exact, its step size tuned during warm-up",
          .reference = "Roberts & Tweedie 1996, Bernoulli 2; acceptance 0.574: Roberts & Rosenthal 1998, JRSS B 60",
          .exact = true,
          .options = option_table().declared()};
}

const MethodDescription& Mala::description() const { return method("mala"); }

void Mala::advance(Group& group, const Kernels& kernels, StepRange steps) const {
  const double noise = std::sqrt(2 * step_size_ * group.temperature);
  for (int64_t i = 0; i < steps.count; ++i) {
    const uint32_t step = steps.first + static_cast<uint32_t>(i);
    kernels.propose_langevin(group, step, step_size_, noise);
    group.evaluate_proposal();
    kernels.clear_ratio(group);
    kernels.add_langevin_ratio(group, step_size_);
    kernels.decide(group, step, false);
  }
}

Tuning Mala::tuning() const {
  if (options_.step_size) return {};
  return {.acceptance = options_.acceptance,
          .metric = metric_tuned(options_.metric, options_.step_size),
          .dense = options_.metric == Metric::kDense,
          .step_power = 2};
}

}  // namespace potluck
