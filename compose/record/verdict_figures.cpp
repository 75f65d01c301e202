// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>

#include "compose/record/run_course.h"
#include "core/methods/label_blocks.h"
#include "core/methods/method.h"

namespace potluck {
namespace {

/// "chain 17 at step 1734, critic = inf, smooth = 3.25"
std::string frozen_text(const FrozenFacts& frozen) {
  std::string text = fmt::format("chain {} at step {}", frozen.chain, frozen.step);
  for (const FrozenFacts::Energy& one : frozen.energies)
    text += one.value ? fmt::format(", {} = {:.4g}", one.expert, *one.value)
                      : fmt::format(", {} = {}", one.expert, one.not_finite.value_or("not finite"));
  return text;
}

/// Coordinates with momenta that every trajectory draws afresh; none where the method has no such, or the energy that
/// they move in is not the recorded one, as of transformed variables.
std::optional<int64_t> fresh_momenta(const RunFacts& facts) {
  if (!facts.sampling || facts.sampling->method != "hmc") return std::nullopt;
  int64_t count = 0;
  for (const VariableFacts& variable : facts.surroundings.variables) {
    if (variable.transformed) return std::nullopt;
    if (variable.categories) continue;
    count +=
        std::accumulate(variable.shape.begin(), variable.shape.end(), int64_t{1}, std::multiplies<>()) - variable.held;
  }
  return count;
}

/// RunFigures::labels_begun. K starts one after the other have all K labels of an element; of positions in a file it is
/// known only that there are some.
std::optional<int64_t> labels_begun(const RunFacts& facts) {
  bool labels = false, numbers = false;
  for (const VariableFacts& variable : facts.surroundings.variables) {
    const int64_t all = std::accumulate(variable.shape.begin(), variable.shape.end(), int64_t{1}, std::multiplies<>());
    if (variable.held < all) (variable.categories ? labels : numbers) = true;
  }
  if (!facts.sampling || !labels || !numbers) return std::nullopt;
  if (facts.start && facts.start->find(" positions of ") != std::string::npos) return 1;
  return steps_of_held_labels(facts.sampling->warmup) == 0 ? 0 : facts.sampling->chains / facts.sampling->superchain;
}

/// The option that sets the step size, as the method's table names it.
void name_step_option(RunFigures& run) {
  const auto& all = methods();
  const auto found = std::find_if(all.begin(), all.end(), [&](const auto& one) { return one.name == run.method; });
  if (found == all.end()) return;  // a sweep, whose blocks have a step_size each
  run.step_option.clear();
  for (const char* name : {"step", "step_size"}) {
    for (const SettingDescription& option : found->options) {
      if (option.name != name) continue;
      run.step_option = name;
      run.step_tunable = std::find(option.choices.begin(), option.choices.end(), "auto") != option.choices.end();
    }
  }
}

/// Blocks that are not drawn by gibbs; 1 where there are no blocks.
int64_t deciding_blocks(const SamplingAsked& asked) {
  if (asked.blocks.empty()) return 1;
  return std::count_if(asked.blocks.begin(), asked.blocks.end(),
                       [](const BlockFacts& block) { return block.method != "gibbs"; });
}

LadderFigures ladder_of(const SwapFacts& swaps) {
  LadderFigures ladder;
  ladder.replicas = static_cast<int64_t>(swaps.temperature.size());
  ladder.hottest = swaps.temperature.back();
  for (const double rate : swaps.rate)
    if (!std::isnan(rate)) ladder.least_swap_rate = std::min(ladder.least_swap_rate, rate);
  if (!std::isnan(swaps.hottest.rhat)) ladder.hottest_rhat = swaps.hottest.rhat;
  return ladder;
}

/// The variable whose temperature is furthest off speaks for all.
void find_virial(RunFigures& run, const std::vector<VariableVirial>& all) {
  double worst = -1;
  for (const auto& [variable, estimate] : all) {
    const double z = std::abs(estimate.z(run.temperature));
    if (!(z > worst)) continue;
    worst = z;
    run.virial = estimate;
    run.virial_of = variable;
  }
}

void add_asked(RunFigures& run, const SamplingAsked& asked) {
  run.method = asked.method;
  run.exact_method = asked.exact_method;
  run.chains = asked.chains;
  run.warmup = asked.warmup;
  run.annealed = asked.cooling || asked.anneal;
  run.blocks = !asked.blocks.empty();
  run.hard_walls = asked.hard_walls.value_or(false);
  if (asked.mixtures) run.mixtures = *asked.mixtures;
  run.wanted_acceptance = asked.wanted_acceptance;
}

void add_end(RunFigures& run, const RunFacts& facts) {
  const EndFacts& end = *facts.end;
  if (end.step_size > 0) run.step_size = end.step_size;
  run.draws = end.draws;
  run.steps = end.steps_done;
  run.steps_asked = facts.sampling ? facts.sampling->steps : 0;
  run.stopped_by = facts.stopped_by;
  run.frozen = end.frozen_count;
  run.divergences = end.sums.divergences;
  find_virial(run, end.virial);
  if (end.expert_energies)
    for (const ExpertEnergyFacts::Expert& expert : end.expert_energies->experts)
      run.expert_shares.push_back(expert.share);
  if (end.swaps) run.ladder = ladder_of(*end.swaps);
  if (!end.frozen.empty()) run.first_frozen = frozen_text(end.frozen.front());
  const int64_t decisions = facts.sampling ? deciding_blocks(*facts.sampling) : 1;
  if (!run.exact_method.value_or(false) || decisions == 0) return;
  run.acceptance = end.acceptance;
  const double proposals =
      static_cast<double>(run.chains) * static_cast<double>(decisions) * static_cast<double>(run.steps);
  if (proposals > 0) run.nan_proposal_share = static_cast<double>(end.sums.nan_proposals) / proposals;
}

}  // namespace

RunFigures figures_of(const RunFacts& facts) {
  RunFigures run;
  if (facts.sampling) add_asked(run, *facts.sampling);
  run.labels_begun = labels_begun(facts);
  name_step_option(run);
  if (facts.sampling && deciding_blocks(*facts.sampling) == 0) run.step_option.clear();  // gibbs has no steps
  run.temperature = facts.temperature.value_or(1);
  run.momenta = fresh_momenta(facts);
  if (facts.beginning) {
    run.exact_start = facts.beginning->exact_start;
    run.step_size = facts.beginning->step_size;
    if (!std::isnan(facts.beginning->start_energy)) run.start_energy = facts.beginning->start_energy / run.temperature;
  }
  run.ended = facts.end.has_value();
  if (run.ended) add_end(run, facts);
  return run;
}

}  // namespace potluck
