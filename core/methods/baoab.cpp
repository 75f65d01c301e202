// SPDX-License-Identifier: Apache-2.0
#include "core/methods/baoab.h"

#include <fmt/format.h>

#include <cmath>

namespace potluck {

const OptionTable<Baoab::Options>& Baoab::option_table() {
  static const OptionTable<Options> table({step_size_bound(), friction_bound()});
  return table;
}

MethodDescription Baoab::describe() {
  return {.name = "baoab",
          .summary = "underdamped Langevin, positions exact on quadratic energies, biased elsewhere by its step size",
          .reference = "Leimkuhler & Matthews 2013, Rational construction of stochastic numerical methods, AMRX 2013",
          .exact = false,
          .options = option_table().declared()};
}

const MethodDescription& Baoab::description() const { return method("baoab"); }

void Baoab::advance(Group& group, const Kernels& kernels, StepRange steps) const {
  kick_drift_refresh(group, kernels, steps, refreshment(group, step_size_, Purpose::kMomentum));
}

std::vector<std::string> Baoab::notes(const MethodCounts&) const {
  return {fmt::format(
      "baoab is unadjusted: right on quadratic energies, elsewhere positions are biased by an order of step_size^2 "
      "(now {:g}). Use hmc or ghmc where that matters",
      step_size_)};
}

}  // namespace potluck
