// SPDX-License-Identifier: Apache-2.0
#include "core/methods/mclmc.h"

#include <fmt/format.h>

#include <cmath>

namespace potluck {

namespace {

constexpr double kFirstStepSize = 0.1;  // h where tuning begins

}  // namespace

Mclmc::Mclmc(const Options& options)
    : options_(option_table().checked(options)),
      step_size_(options.step_size.value_or(kFirstStepSize)),
      length_(options.decoherence_length.value_or(0)) {
  check_metric(options.metric, options.step_size);
}

const OptionTable<Mclmc::Options>& Mclmc::option_table() {
  static const OptionTable<Options> table(
      {option(&Options::step_size,
              step_size_option("h, the time of a leapfrog at unit speed",
                               "tuned in warm-up to an energy error of variance 5e-4 a coordinate and step")),
       option(
           &Options::decoherence_length,
           {.name = "decoherence_length",
            .kind = SettingKind::kReal,
            .preset = "auto",
            .least = kPositive,
            .choices = {"auto"},
            .summary =
                "L: the length over which a direction is forgotten; auto: the square root of the number of coordinates "
                "that move"}),
       metric_option(&Options::metric)});
  return table;
}

MethodDescription Mclmc::describe() {
  return {.name = "mclmc",
          .summary = "microcanonical Langevin: fast in many dimensions, biased by its step size",
          .reference = "Robnik, De Luca, Silverstein & Seljak 2023, Microcanonical Hamiltonian Monte Carlo, JMLR 24",
          .exact = false,
          .options = option_table().declared()};
}

const MethodDescription& Mclmc::description() const { return method("mclmc"); }

void Mclmc::check(const Target& target) const {
  Method::check(target);
  check_at_least_two(target, "mclmc");
}

void Mclmc::prepare(const Target& target) {
  if (!(length_ > 0)) length_ = std::sqrt(static_cast<double>(free_coordinates(target)));
}

void Mclmc::begin(Group& group, const Kernels& kernels, uint32_t step) const {
  const Piece fresh{.kind = Piece::Kind::kRefresh, .noise = 1, .purpose = Purpose::kFirstMomentum};
  kernels.split(group, step, State::kCurrent, State::kCurrent, {{fresh}});
  kernels.normalise_velocity(group, State::kCurrent);
}

void Mclmc::advance(Group& group, const Kernels& kernels, StepRange steps) const {
  const double h = step_size_;
  const Piece drift{.kind = Piece::Kind::kDrift, .amount = h};
  const Piece refresh{.kind = Piece::Kind::kRefresh,
                      .amount = 1,
                      .noise = std::sqrt(std::expm1(2 * h / length_) / static_cast<double>(group.dimension))};
  for (int64_t i = 0; i < steps.count; ++i) {
    const uint32_t step = steps.first + static_cast<uint32_t>(i);
    kernels.begin_energy_error(group);
    kernels.isokinetic_kick(group, State::kCurrent, State::kCurrent, h / 2);
    kernels.split(group, step, State::kCurrent, State::kCurrent, {{drift}});
    group.evaluate();
    kernels.freeze_failed(group, step);
    kernels.isokinetic_kick(group, State::kCurrent, State::kCurrent, h / 2);
    kernels.end_energy_error(group);
    kernels.split(group, step, State::kCurrent, State::kCurrent, {{refresh}});
    kernels.normalise_velocity(group, State::kCurrent);
  }
}

Tuning Mclmc::tuning() const {
  if (options_.step_size) return {};
  return {.energy_error = 5e-4,
          .metric = metric_tuned(options_.metric, options_.step_size),
          .dense = options_.metric == Metric::kDense};
}

std::vector<std::string> Mclmc::notes(const MethodCounts&) const {
  return {
      fmt::format("mclmc is unadjusted: its draws are biased by an order of step_size^2 (now {:g}). Use "
                  "adjusted_mclmc or hmc where that matters",
                  step_size_)};
}

}  // namespace potluck
