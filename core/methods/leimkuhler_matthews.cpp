// SPDX-License-Identifier: Apache-2.0
#include "core/methods/leimkuhler_matthews.h"

#include <fmt/format.h>

#include <cmath>

namespace potluck {

const OptionTable<LeimkuhlerMatthews::Options>& LeimkuhlerMatthews::option_table() {
  static const OptionTable<Options> table({step_size_bound()});
  return table;
}

MethodDescription LeimkuhlerMatthews::describe() {
  return {
      .name = "leimkuhler_matthews",
      .summary = "overdamped Langevin of second order: one evaluation a step, positions exact on quadratic energies",
      .reference = "Leimkuhler & Matthews 2013, Rational construction of stochastic numerical methods, AMRX 2013",
      .exact = false,
      .options = option_table().declared()};
}

const MethodDescription& LeimkuhlerMatthews::description() const { return method("leimkuhler_matthews"); }

void LeimkuhlerMatthews::advance(Group& group, const Kernels& kernels, StepRange steps) const {
  kick_drift_refresh(group, kernels, steps, {.kind = Piece::Kind::kRefresh, .noise = std::sqrt(group.temperature)});
}

std::vector<std::string> LeimkuhlerMatthews::notes(const MethodCounts&) const {
  return {fmt::format(
      "leimkuhler_matthews is unadjusted: right on quadratic energies, elsewhere positions are biased by an order of "
      "step_size^4 (h, now {:g}). Use mala or hmc where that matters",
      step_size_)};
}

}  // namespace potluck
