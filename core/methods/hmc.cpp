// SPDX-License-Identifier: Apache-2.0
#include "core/methods/hmc.h"

#include <cmath>

#include "core/methods/trajectory.h"

namespace potluck {

namespace {

constexpr double kFirstStepSize = 0.1, kFirstLength = 1;  // h and tau where tuning begins

}  // namespace

Hmc::Hmc(const Options& options)
    : options_(option_table().checked(options)),
      step_size_(options.step_size.value_or(kFirstStepSize)),
      trajectory_length_(options.trajectory_length.value_or(options.step_size ? 10 * step_size_ : kFirstLength)),
      trajectory_watched_(!options.trajectory_length) {
  check_metric(options.metric, options.step_size);
}

const OptionTable<Hmc::Options>& Hmc::option_table() {
  static const OptionTable<Options> table(
      {option(&Options::step_size,
              step_size_option("h, the time of a leapfrog", "tuned in warm-up to a harmonic mean acceptance of 0.651")),
       option(&Options::trajectory_length,
              trajectory_length_option("mean time of a trajectory, jittered between 0 and twice it; auto: tuned in "
                                       "warm-up to move far from the centre (ChEES)")),
       metric_option(&Options::metric),
       option(
           &Options::max_leapfrogs,
           max_leapfrogs_option(kDefaultMaxLeapfrogs, ", and a tuned length has at most half as many at the mean"))});
  return table;
}

MethodDescription Hmc::describe() {
  return {.name = "hmc",
          .summary = "Hamiltonian Monte Carlo, exact, with jittered trajectories tuned across chains",
          .reference = "Neal 2011, MCMC using Hamiltonian dynamics; ChEES: Hoffman, Radul & Sountsov 2021, AISTATS",
          .exact = true,
          .options = option_table().declared()};
}

const MethodDescription& Hmc::description() const { return method("hmc"); }

void Hmc::advance(Group& group, const Kernels& kernels, StepRange steps) const {
  const Piece fresh{.kind = Piece::Kind::kRefresh, .noise = std::sqrt(group.temperature)};
  for (int64_t i = 0; i < steps.count; ++i) {
    const uint32_t step = steps.first + static_cast<uint32_t>(i);
    const int64_t count = jittered_steps(trajectory_length_, step_size_, options_.max_leapfrogs, step);
    leapfrogs(group, kernels, step, fresh, step_size_, count);
    // Of the criterion per third root of the time.
    if (trajectory_watched_) kernels.add_trajectory_slope(group, 3 * static_cast<double>(count) * step_size_);
    kernels.decide(group, step, false);
  }
}

int64_t Hmc::evaluations(StepRange steps) const {
  return jittered_steps(trajectory_length_, step_size_, options_.max_leapfrogs, steps);
}

Tuning Hmc::tuning() const {
  Tuning tuning{.harmonic = true,
                .metric = metric_tuned(options_.metric, options_.step_size),
                .dense = options_.metric == Metric::kDense,
                .trajectory = trajectory_watched_,
                .max_leapfrogs = options_.max_leapfrogs};
  if (!options_.step_size) tuning.acceptance = 0.651;
  return tuning;
}

std::vector<std::string> Hmc::notes(const MethodCounts&) const {
  return cut_trajectory_notes(trajectory_length_, step_size_, options_.max_leapfrogs);
}

}  // namespace potluck
