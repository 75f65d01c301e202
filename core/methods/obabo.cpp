// SPDX-License-Identifier: Apache-2.0
#include "core/methods/obabo.h"

#include <fmt/format.h>

#include <cmath>

namespace potluck {

const OptionTable<Obabo::Options>& Obabo::option_table() {
  static const OptionTable<Options> table({step_size_bound(), friction_bound()});
  return table;
}

MethodDescription Obabo::describe() {
  return {.name = "obabo",
          .summary = "underdamped Langevin with a leapfrog in the middle, biased by its step size",
          .reference = "Bussi & Parrinello 2007, Accurate sampling using Langevin dynamics, Phys. Rev. E 75",
          .exact = false,
          .options = option_table().declared()};
}

const MethodDescription& Obabo::description() const { return method("obabo"); }

void Obabo::advance(Group& group, const Kernels& kernels, StepRange steps) const {
  const double h = step_size_;
  const Piece first = refreshment(group, h / 2, Purpose::kMomentum);
  const Piece second = refreshment(group, h / 2, Purpose::kSecondMomentum);
  const Piece kick{.kind = Piece::Kind::kKick, .amount = h / 2}, drift{.kind = Piece::Kind::kDrift, .amount = h};
  for (int64_t i = 0; i < steps.count; ++i) {
    const uint32_t step = steps.first + static_cast<uint32_t>(i);
    kernels.split(group, step, State::kCurrent, State::kCurrent, {{first, kick, drift}});
    group.evaluate();
    kernels.freeze_failed(group, step);
    kernels.split(group, step, State::kCurrent, State::kCurrent, {{kick, second}});
  }
}

std::vector<std::string> Obabo::notes(const MethodCounts&) const {
  return {fmt::format(
      "obabo is unadjusted: positions are biased by an order of step_size^2 (now {:g}). Use hmc or ghmc where that "
      "matters",
      step_size_)};
}

}  // namespace potluck
