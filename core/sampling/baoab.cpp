// SPDX-License-Identifier: Apache-2.0
#include "core/sampling/baoab.h"

#include <fmt/format.h>

#include <cmath>

namespace potluck {

MethodDescription Baoab::describe() {
  return {.name = "baoab",
          .summary = "underdamped Langevin, positions exact on quadratic energies, biased elsewhere by its step size",
          .reference = "Leimkuhler & Matthews 2013, Rational construction of stochastic numerical methods, AMRX 2013",
          .exact = false,
          .options = option_table(true)};
}

std::unique_ptr<Method> Baoab::create(const std::vector<SettingValue>& values) {
  return std::make_unique<Baoab>(options_from(values));
}

const MethodDescription& Baoab::description() const { return method("baoab"); }

void Baoab::advance(Group& group, const Kernels& kernels, StepRange steps) const {
  const double half = options_.step_size / 2;
  const Piece kick{.kind = Piece::Kind::kKick, .amount = half}, drift{.kind = Piece::Kind::kDrift, .amount = half};
  const Piece refresh = refreshment(group, options_.step_size, Purpose::kMomentum);
  // The last kick of a step and the first of the next are made in one pass, in their order.
  const Piece pieces[] = {kick, kick, drift, refresh, drift};
  for (int64_t i = 0; i < steps.count; ++i) {
    const uint32_t step = steps.first + static_cast<uint32_t>(i);
    kernels.split(group, step, State::kCurrent, State::kCurrent, std::span(pieces).subspan(i == 0 ? 1 : 0));
    group.evaluate();
    kernels.freeze_failed(group, step);
  }
  kernels.split(group, steps.first, State::kCurrent, State::kCurrent, {{kick}});
}

std::vector<std::string> Baoab::notes(const MethodCounts&) const {
  return {fmt::format(
      "baoab is unadjusted: right on quadratic energies, elsewhere positions are biased by an order of step_size^2 "
      "(now {:g}). Use hmc or ghmc where that matters",
      options_.step_size)};
}

}  // namespace potluck
