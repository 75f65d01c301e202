// SPDX-License-Identifier: Apache-2.0
#include "core/methods/adjusted_mclmc.h"

#include <cmath>

namespace potluck {

namespace {

constexpr double kFirstStepSize = 0.1;  // h where tuning begins

}  // namespace

AdjustedMclmc::AdjustedMclmc(const Options& options)
    : options_(option_table().checked(options)),
      step_size_(options.step_size.value_or(kFirstStepSize)),
      length_(options.trajectory_length.value_or(0)) {
  check_metric(options.metric, options.step_size);
}

const OptionTable<AdjustedMclmc::Options>& AdjustedMclmc::option_table() {
  static const OptionTable<Options> table(
      {option(&Options::step_size, step_size_option("h, the time of a leapfrog at unit speed",
                                                    "tuned in warm-up to a mean acceptance of 0.9")),
       option(
           &Options::trajectory_length,
           trajectory_length_option("L: mean length of a trajectory, jittered between 0 and twice it; auto: the square "
                                    "root of the number of coordinates that move")),
       metric_option(&Options::metric), option(&Options::max_leapfrogs, max_leapfrogs_option(kMostLeapfrogs, ""))});
  return table;
}

MethodDescription AdjustedMclmc::describe() {
  return {.name = "adjusted_mclmc",
          .summary = "microcanonical Hamiltonian Monte Carlo with a Metropolis decision; exact",
          .reference = "Robnik, Cohn-Gordon & Seljak 2025, Metropolis adjusted microcanonical Hamiltonian Monte Carlo",
          .exact = true,
          .options = option_table().declared()};
}

const MethodDescription& AdjustedMclmc::description() const { return method("adjusted_mclmc"); }

void AdjustedMclmc::check(const Target& target) const { check_at_least_two(target, "adjusted_mclmc"); }

void AdjustedMclmc::prepare(const Target& target) {
  if (!(length_ > 0)) length_ = std::sqrt(static_cast<double>(free_coordinates(target)));
}

void AdjustedMclmc::advance(Group& group, const Kernels& kernels, StepRange steps) const {
  const double h = step_size_;
  const Piece fresh{.kind = Piece::Kind::kRefresh, .noise = 1}, drift{.kind = Piece::Kind::kDrift, .amount = h},
      watch{.kind = Piece::Kind::kWatch};
  for (int64_t i = 0; i < steps.count; ++i) {
    const uint32_t step = steps.first + static_cast<uint32_t>(i);
    const int64_t leapfrogs = jittered_steps(length_, h, options_.max_leapfrogs, step);
    kernels.clear_ratio(group);
    kernels.split(group, step, State::kCurrent, State::kProposal, {{fresh}});
    kernels.normalise_velocity(group, State::kProposal);
    for (int64_t leapfrog = 0; leapfrog < leapfrogs; ++leapfrog) {
      if (leapfrog == 0) {
        kernels.isokinetic_kick(group, State::kCurrent, State::kProposal, h / 2);
        kernels.split(group, step, State::kProposal, State::kProposal, {{drift}});
      } else {
        kernels.isokinetic_kick(group, State::kProposal, State::kProposal, h);
        kernels.split(group, step, State::kProposal, State::kProposal, {{watch, drift}});
      }
      group.evaluate_proposal();
    }
    kernels.isokinetic_kick(group, State::kProposal, State::kProposal, h / 2);
    kernels.decide(group, step, false);
  }
}

int64_t AdjustedMclmc::evaluations(StepRange steps) const {
  return jittered_steps(length_, step_size_, options_.max_leapfrogs, steps);
}

std::vector<std::string> AdjustedMclmc::notes(const MethodCounts&) const {
  return cut_trajectory_notes(length_, step_size_, options_.max_leapfrogs);
}

Tuning AdjustedMclmc::tuning() const {
  if (options_.step_size) return {};
  return {.acceptance = 0.9,
          .metric = metric_tuned(options_.metric, options_.step_size),
          .dense = options_.metric == Metric::kDense};
}

}  // namespace potluck
