// SPDX-License-Identifier: Apache-2.0
#include "core/methods/ghmc.h"

#include <cmath>

#include "core/methods/trajectory.h"

namespace potluck {

namespace {

constexpr double kFirstStepSize = 0.1;  // h where tuning begins

}  // namespace

Ghmc::Ghmc(const Options& options)
    : options_(option_table().checked(options)), step_size_(options.step_size.value_or(kFirstStepSize)) {
  check_metric(options.metric, options.step_size);
}

const OptionTable<Ghmc::Options>& Ghmc::option_table() {
  static const OptionTable<Options> table(
      {option(&Options::step_size,
              step_size_option("h, the time of a leapfrog", "tuned in warm-up to a mean acceptance of 0.9")),
       option(&Options::leapfrogs, {.name = "leapfrogs",
                                    .kind = SettingKind::kInteger,
                                    .preset = "1",
                                    .least = 1,
                                    .most = 1000,
                                    .summary = "number of leapfrogs in a proposal"}),
       option(&Options::kept, {.name = "kept",
                               .kind = SettingKind::kReal,
                               .preset = "0.9",
                               .least = 0,
                               .most = 0.999999,
                               .summary = "share of the velocity that a refreshment keeps"}),
       metric_option(&Options::metric)});
  return table;
}

MethodDescription Ghmc::describe() {
  return {.name = "ghmc",
          .summary = "Hamiltonian Monte Carlo whose velocity persists and turns back on rejection; exact",
          .reference = "Horowitz 1991, A generalized guided Monte Carlo algorithm, Phys. Lett. B 268",
          .exact = true,
          .options = option_table().declared()};
}

const MethodDescription& Ghmc::description() const { return method("ghmc"); }

void Ghmc::begin(Group& group, const Kernels& kernels, uint32_t step) const {
  const Piece fresh{
      .kind = Piece::Kind::kRefresh, .noise = std::sqrt(group.temperature), .purpose = Purpose::kFirstMomentum};
  kernels.split(group, step, State::kCurrent, State::kCurrent, {{fresh}});
}

void Ghmc::advance(Group& group, const Kernels& kernels, StepRange steps) const {
  const Piece refresh{.kind = Piece::Kind::kRefresh,
                      .amount = options_.kept,
                      .noise = std::sqrt((1 - options_.kept * options_.kept) * group.temperature)};
  for (int64_t i = 0; i < steps.count; ++i) {
    const uint32_t step = steps.first + static_cast<uint32_t>(i);
    // The refreshed velocity stays with the current state: it is the one that turns back.
    kernels.split(group, step, State::kCurrent, State::kCurrent, {{refresh}});
    leapfrogs(group, kernels, step, std::nullopt, step_size_, options_.leapfrogs);
    kernels.decide(group, step, true);
  }
}

Tuning Ghmc::tuning() const {
  if (options_.step_size) return {};
  return {.acceptance = 0.9,
          .metric = metric_tuned(options_.metric, options_.step_size),
          .dense = options_.metric == Metric::kDense};
}

}  // namespace potluck
