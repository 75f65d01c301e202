// SPDX-License-Identifier: Apache-2.0
#include "core/methods/hmc.h"

#include <cmath>

#include "core/methods/method_options.h"
#include "core/methods/trajectory.h"

namespace potluck {

MethodDescription Hmc::describe() {
  return {.name = "hmc",
          .summary = "Hamiltonian Monte Carlo, exact, with jittered trajectories tuned across chains",
          .reference = "Neal 2011, MCMC using Hamiltonian dynamics; ChEES: Hoffman, Radul & Sountsov 2021, AISTATS",
          .exact = true,
          .options = {
              step_size_option("h, the time of a leapfrog", "tuned in warm-up to a harmonic mean acceptance of 0.651"),
              {.name = "trajectory_length",
               .kind = SettingKind::kReal,
               .preset = "auto",
               .least = kPositive,
               .choices = {"auto"},
               .summary = "mean time of a trajectory, jittered between 0 and twice it; auto: tuned in "
                          "warm-up to move far from the centre (ChEES)"},
              metric_option(),
              max_leapfrogs_option(kDefaultMaxLeapfrogs, ", and a tuned length has at most half as many at the mean")}};
}

std::unique_ptr<Method> Hmc::create(const std::vector<SettingValue>& values) {
  const double h = number_of(values.at(0), 0.1);
  return std::make_unique<Hmc>(Options{.step_size = h,
                                       .trajectory_length = number_of(values.at(1), is_auto(values[0]) ? 1 : 10 * h),
                                       .step_size_tuned = is_auto(values[0]),
                                       .trajectory_tuned = is_auto(values[1]),
                                       .metric = metric_tuned(values.at(2), values[0]),
                                       .dense = metric_dense(values.at(2)),
                                       .max_leapfrogs = values.at(3).integer.at(0)});
}

const MethodDescription& Hmc::description() const { return method("hmc"); }

void Hmc::advance(Group& group, const Kernels& kernels, StepRange steps) const {
  const Piece fresh{.kind = Piece::Kind::kRefresh, .noise = std::sqrt(group.temperature)};
  for (int64_t i = 0; i < steps.count; ++i) {
    const uint32_t step = steps.first + static_cast<uint32_t>(i);
    const int64_t count = jittered_steps(options_.trajectory_length, options_.step_size, options_.max_leapfrogs, step);
    leapfrogs(group, kernels, step, fresh, options_.step_size, count);
    // Of the criterion per third root of the time.
    if (options_.trajectory_tuned)
      kernels.add_trajectory_slope(group, 3 * static_cast<double>(count) * options_.step_size);
    kernels.decide(group, step, false);
  }
}

int64_t Hmc::evaluations(StepRange steps) const {
  return jittered_steps(options_.trajectory_length, options_.step_size, options_.max_leapfrogs, steps);
}

Tuning Hmc::tuning() const {
  Tuning tuning{.harmonic = true,
                .metric = options_.metric,
                .dense = options_.dense,
                .trajectory = options_.trajectory_tuned,
                .max_leapfrogs = options_.max_leapfrogs};
  if (options_.step_size_tuned) tuning.acceptance = 0.651;
  return tuning;
}

std::vector<std::string> Hmc::notes(const MethodCounts&) const {
  return cut_trajectory_notes(options_.trajectory_length, options_.step_size, options_.max_leapfrogs);
}

}  // namespace potluck
