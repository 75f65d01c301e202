// SPDX-License-Identifier: Apache-2.0
#include "core/sampling/run/frozen_chains.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "core/error.h"

namespace potluck {

namespace {

constexpr int64_t kReportedFrozen = 100;

}  // namespace

int64_t count_frozen(const RankChains& own) {
  return std::count(own.state().frozen.begin(), own.state().frozen.end(), uint8_t{1});
}

int64_t count_frozen_replicas(const RankChains& own) {
  int64_t count = 0;
  for (int64_t i = 0; i < own.count() && own.replicas() > 1; ++i) {
    for (int64_t rung = 1; rung < own.replicas(); ++rung) count += own.rows().frozen[own.row(i) + rung];
  }
  return count;
}

std::vector<FrozenChain> frozen_chains(const RankChains& own, const std::vector<int64_t>& ids, size_t experts) {
  std::vector<FrozenChain> frozen;
  const ChainsState& state = own.state();
  for (int64_t i = 0; i < own.count(); ++i) {
    if (!state.frozen[i]) continue;
    if (static_cast<int64_t>(frozen.size()) == kReportedFrozen) break;
    FrozenChain one{.chain = ids[own.row(i)] / own.replicas(), .step = state.frozen_step[i], .expert_energy = {}};
    for (size_t e = 0; e < experts; ++e) {
      one.expert_energy.push_back(state.expert_energy[static_cast<int64_t>(e) * own.count() + i]);
    }
    frozen.push_back(std::move(one));
  }
  return frozen;
}

void fail_where_all_frozen(const RankChains& own, const std::vector<int64_t>& ids,
                           const std::vector<std::string>& experts, double step_size) {
  if (count_frozen(own) < own.count()) return;
  const FrozenChain first = frozen_chains(own, ids, experts.size()).front();
  std::string energies;
  for (size_t e = 0; e < first.expert_energy.size(); ++e) {
    if (e > 0) energies += ", ";
    energies += fmt::format("expert '{}' = {:g}", experts[e], first.expert_energy[e]);
  }
  // A state fails by its energy or by its gradient.
  if (std::all_of(first.expert_energy.begin(), first.expert_energy.end(), [](double e) { return std::isfinite(e); }))
    energies += ", with a gradient that is not finite";
  if (step_size == 0) {  // gibbs alone: it takes a label whose energy is not a number
    throw NumericalError(
        fmt::format("step {}: all {} chains became non-finite (first: chain {}, {}). Let chains begin "
                    "elsewhere (sample.start), or mend the expert: energies of all labels are asked "
                    "for",
                    first.step, own.count(), first.chain, energies));
  }
  // A state of step 0 is where the chain began, or one step further.
  const char* advice =
      first.step == 0 ? "Let chains begin elsewhere (sample.start), or lower step_size" : "Lower step_size";
  throw NumericalError(fmt::format("step {}: all {} chains became non-finite (first: chain {}, {}). {} (now {:g})",
                                   first.step, own.count(), first.chain, energies, advice, step_size));
}

}  // namespace potluck
