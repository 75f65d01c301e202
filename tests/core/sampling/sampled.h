// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <utility>
#include <vector>

#include "tests/core/energies.h"

namespace potluck::testing {

/// A run of one variable with default starts, and its draws.
struct Sampled {
  RunSummary summary;
  std::vector<std::vector<double>> positions, energies;
};

inline Sampled sampled(const Energy& energy, const RunOptions& options, std::vector<Held> held = {{}},
                       double temperature = 1) {
  Keeper keeper(energy.variables()[0].size(), energy.precision());
  Observer* observers[] = {&keeper};
  const Target target{&energy, std::move(held), temperature};
  const std::atomic<bool> go_on{false};
  Sampled result;
  result.summary = run(target, *default_start(energy.variables()), options, observers, go_on);
  result.positions = std::move(keeper.positions);
  result.energies = std::move(keeper.energies);
  return result;
}

}  // namespace potluck::testing
