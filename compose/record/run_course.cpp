// SPDX-License-Identifier: Apache-2.0
#include "compose/record/run_course.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <ctime>
#include <type_traits>

#include "compose/record/expert_energies.h"

namespace potluck {
namespace {

RowSums<SumFacts> sum_facts(const RowSums<RunTotal>& totals) {
  RowSums<SumFacts> facts;
  for_each_row_sum(
      [](const RowSum& about, const auto& total, auto& fact) {
        if constexpr (std::is_integral_v<std::decay_t<decltype(total)>>) {
          fact = total;
        } else if (about.key && total.count > 0) {
          fact = MeanFacts{about.root ? total.root_mean_square() : total.mean(), total.count};
        }
      },
      totals, facts);
  return facts;
}

std::optional<SwapFacts> swap_facts(const SwapSummary& swaps) {
  if (swaps.rate.empty()) return std::nullopt;
  const LadderEnergies& hottest = swaps.hottest;
  return SwapFacts{swaps.temperature,
                   swaps.rate,
                   swaps.attempts,
                   swaps.barrier,
                   swaps.round_trips,
                   {hottest.ladders, hottest.draws, hottest.mean, hottest.between, hottest.within, hottest.rhat()}};
}

FrozenFacts frozen_facts(const FrozenChain& chain, const std::vector<std::string>& experts) {
  FrozenFacts facts{chain.chain, chain.step, {}};
  for (size_t e = 0; e < chain.expert_energy.size(); ++e) {
    const double energy = chain.expert_energy[e];
    FrozenFacts::Energy one{experts.at(e), std::nullopt, std::nullopt};
    if (std::isfinite(energy))
      one.value = energy;
    else
      one.not_finite = std::isnan(energy) ? "nan" : energy > 0 ? "inf" : "-inf";
    facts.energies.push_back(std::move(one));
  }
  return facts;
}

}  // namespace

std::string time_now() { return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::time(nullptr))); }

void note_folder(TypedCommand& command, const std::filesystem::path& run) {
  command.folder_from_run = std::filesystem::path(command.folder).lexically_relative(run).string();
}

void note_beginning(RunFacts& facts, const Beginning& beginning) {
  facts.start = beginning.start;
  facts.beginning = BeginningFacts{beginning.exact_start, beginning.start_energy, beginning.step_size,
                                   beginning.warmup_nan_proposals};
}

void note_end(RunFacts& facts, const RunSummary& run) {
  facts.standing.state = run.interrupted ? "interrupted" : "done";
  facts.standing.why_stopped = run.why_stopped;
  facts.standing.ended = time_now();
  facts.start = run.start;
  if (!facts.beginning) facts.beginning.emplace();
  facts.beginning->exact_start = run.exact_start;
  facts.beginning->start_energy = run.start_energy;
  for (size_t b = 0; b < run.blocks.size(); ++b) {
    BlockFacts& block = facts.sampling->blocks.at(b);
    if (run.blocks[b].step_size > 0) block.step_size = run.blocks[b].step_size;
    if (run.blocks[b].trajectory_length > 0) block.trajectory_length = run.blocks[b].trajectory_length;
  }
  EndFacts& end = facts.end.emplace();
  end.steps_done = run.steps_done;
  end.draws = run.draws;
  end.step_size = run.step_size;
  if (run.trajectory_length > 0) end.trajectory_length = run.trajectory_length;
  end.acceptance = run.acceptance;
  end.sums = sum_facts(run.sums);
  end.warmup_sums = sum_facts(run.warmup_sums);
  if (run.energy_shares.moments().count > 0)
    end.expert_energies = expert_energy_facts(run.energy_shares, facts.surroundings.experts);
  end.gradient_evaluations = Effort{run.warmup_evaluations, run.evaluations};
  end.rows_evaluated = {run.warmup_rows_evaluated, run.rows_evaluated};
  for (const VariableVirial& one : run.virial)
    if (one.estimate.chains > 0) end.virial.push_back(one);
  end.swaps = swap_facts(run.swaps);
  end.frozen_count = run.frozen_count;
  for (const FrozenChain& chain : run.frozen) end.frozen.push_back(frozen_facts(chain, facts.surroundings.experts));
  end.seconds = {run.warmup_seconds, run.sampling_seconds, std::nullopt};
  end.notes = run.notes;
}

void note_rule(RunFacts& facts, const Until& until, bool by_time) {
  if (by_time)
    facts.stopped_by = Until{std::nullopt, std::nullopt, std::nullopt, until.seconds};
  else
    facts.stopped_by = Until{until.rhat, until.ess, until.mcse, std::nullopt};
}

void note_exported(RunFacts& facts, int64_t draws) {
  if (facts.end)
    facts.end->draws = draws;
  else
    facts.exported_draws = draws;
}

void note_verdict(RunFacts& facts, const RunVerdict& verdict) {
  facts.verdict = VerdictFacts{verdict.usable(), verdict.text()};
  std::vector<std::string>& warnings = facts.warnings;
  for (const Finding& finding : verdict.findings) {
    const bool said = std::find(warnings.begin(), warnings.end(), finding.text) != warnings.end();
    if (finding.weight != Finding::Weight::kNote && !said) warnings.push_back(finding.text);
  }
}

void note_failure(RunFacts& facts, const std::string& error) {
  facts.standing.state = "failed";
  facts.standing.why_stopped = error;
  facts.standing.ended = time_now();
}

}  // namespace potluck
