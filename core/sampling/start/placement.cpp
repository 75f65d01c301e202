// SPDX-License-Identifier: Apache-2.0
#include "core/sampling/start/placement.h"

#include <fmt/format.h>

#include <cmath>
#include <numeric>

#include "core/error.h"

namespace potluck {

namespace {

constexpr int kMostAttempts = 100;
constexpr int64_t kBatch = 1024;

/// Draws the rows at these indices anew. Those whose starts have neighbouring ids are drawn together.
void draw(Chains& chains, const Start& start, const std::vector<Variable>& variables, uint32_t seed,
          const std::vector<int64_t>& ids, int64_t replicas, const std::vector<int64_t>& which, int attempt) {
  std::vector<std::vector<double>> position;
  std::vector<double*> pointers;
  for (const Variable& variable : variables) position.emplace_back(kBatch * variable.size());
  for (std::vector<double>& one : position) pointers.push_back(one.data());
  for (size_t i = 0; i < which.size();) {
    int64_t rows = 1;
    const auto id = [&](size_t of) { return start.given() ? ids[which[of]] / replicas : ids[which[of]]; };
    const auto follows = [&](int64_t next) {
      return which[i + next] == which[i] + next && id(i + next) == id(i) + next;
    };
    while (rows < kBatch && i + rows < which.size() && follows(rows)) ++rows;
    start.draw(seed, id(i), rows, attempt, pointers.data());
    chains.write(which[i], rows, pointers.data());
    i += rows;
  }
}

}  // namespace

Placement place(Chains& chains, const Start& start, const std::vector<Variable>& variables, uint32_t seed,
                const std::vector<int64_t>& ids, int64_t replicas) {
  std::vector<int64_t> again(chains.count());
  std::iota(again.begin(), again.end(), 0);
  // A position that the user gave is the same in every attempt.
  const int attempts = start.given() ? 1 : kMostAttempts;
  int64_t redrawn = 0;
  ChainsState state;
  for (int attempt = 0; !again.empty() && attempt < attempts; ++attempt) {
    draw(chains, start, variables, seed, ids, replicas, again, attempt);
    chains.evaluate();
    chains.read(state);
    std::vector<int64_t> without_density;
    for (const int64_t chain : again) {
      if (state.energy[chain] == INFINITY) without_density.push_back(chain);
    }
    redrawn += static_cast<int64_t>(without_density.size());
    again = std::move(without_density);
  }
  if (!again.empty() && start.given()) {
    throw NumericalError(fmt::format(
        "{} of {} chains begin where the target has no density: its energy is infinite there, or beyond what the "
        "run's precision can hold (first: chain {}; starts: {}). Give positions where all experts have density",
        again.size(), chains.count(), ids[again.front()], start.description()));
  }
  if (!again.empty()) {
    throw NumericalError(fmt::format(
        "{} of {} chains found no start with density in {} attempts (first: chain {}; starts: {}). Give a start that "
        "lies where all experts have density: sample.start",
        again.size(), chains.count(), kMostAttempts, ids[again.front()], start.description()));
  }
  // Of starts that were drawn. Hot replicas begin cold, which makes no exact start of a ladder.
  Placement placement{start.description(), start.exact() && replicas == 1};
  if (redrawn > 0) {
    placement.description += fmt::format("; {} starts without density were drawn again", redrawn);
    placement.exact = false;
  }
  chains.freeze_failed(0);
  return placement;
}

}  // namespace potluck
