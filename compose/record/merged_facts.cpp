// SPDX-License-Identifier: Apache-2.0
#include "compose/record/merged_facts.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <type_traits>

#include "compose/record/expert_energies.h"
#include "compose/record/run_course.h"
#include "core/error.h"
#include "core/methods/swap_summary.h"

namespace potluck {
namespace {

using Ranks = std::vector<FactsOfRank>;

const EndFacts& end_of(const FactsOfRank& rank) { return *rank.facts->end; }

/// Whether all ranks have what `at` finds in their ends.
template <class At>
bool all_have(const Ranks& ranks, const At& at) {
  return std::all_of(ranks.begin(), ranks.end(), [&](const FactsOfRank& one) { return at(end_of(one)).has_value(); });
}

/// @throws FileError where the list of a rank is longer or shorter than that of the first
template <class Length>
void check_lengths(const Ranks& ranks, const char* list, const Length& length) {
  const size_t first = length(end_of(ranks.front()));
  for (const FactsOfRank& one : ranks)
    if (length(end_of(one)) != first)
      throw FileError(fmt::format("{}/run.json: {} must have {} entries, as in {}, got {}", one.folder, list, first,
                                  ranks.front().folder, length(end_of(one))));
}

/// Adds `other` to the sums so far; a mean that one of them lacks is none.
void add_sums(RowSums<SumFacts>& sums, const RowSums<SumFacts>& other) {
  for_each_row_sum(
      [](const RowSum& about, auto& all, const auto& own) {
        if constexpr (std::is_integral_v<std::decay_t<decltype(all)>>) {
          all += own;
        } else if (all && own) {
          all->value += own->count * (about.root ? own->value * own->value : own->value);
          all->count += own->count;
        } else {
          all.reset();
        }
      },
      sums, other);
}

/// Counts are added, means are over the things of all.
RowSums<SumFacts> joined_sums(const Ranks& ranks, RowSums<SumFacts> EndFacts::*which) {
  RowSums<SumFacts> sums;
  for_each_row_sum(
      [](const RowSum&, auto& one) {
        if constexpr (!std::is_integral_v<std::decay_t<decltype(one)>>) one.emplace();
      },
      sums);
  for (const FactsOfRank& one : ranks) add_sums(sums, end_of(one).*which);
  for_each_row_sum(
      [](const RowSum& about, auto& one) {
        if constexpr (!std::is_integral_v<std::decay_t<decltype(one)>>) {
          if (one) one->value = about.root ? std::sqrt(one->value / one->count) : one->value / one->count;
        }
      },
      sums);
  return sums;
}

std::optional<ExpertEnergyFacts> joined_expert_energies(const Ranks& ranks) {
  if (!all_have(ranks, [](const EndFacts& end) { return end.expert_energies; })) return std::nullopt;
  check_lengths(ranks, "expert_energies.experts",
                [](const EndFacts& end) { return end.expert_energies->experts.size(); });
  const ExpertEnergyFacts& first = *end_of(ranks.front()).expert_energies;
  std::vector<std::string> experts;
  for (const ExpertEnergyFacts::Expert& expert : first.experts) experts.push_back(expert.name);
  EnergyShares all = energy_shares_of(first);
  for (size_t rank = 1; rank < ranks.size(); ++rank) all.merge(energy_shares_of(*end_of(ranks[rank]).expert_energies));
  return expert_energy_facts(all, experts);
}

const VirialEstimate* virial_of(const FactsOfRank& rank, const std::string& variable) {
  for (const VariableVirial& one : end_of(rank).virial)
    if (one.variable == variable) return &one.estimate;
  return nullptr;
}

/// The mean over all chains and its standard error, from those of the ranks: a standard error of n chains tells their
/// sum of squared deviations, se^2 n (n - 1).
VirialEstimate joined_virial(const Ranks& ranks, const std::string& variable) {
  double chains = 0, mean = 0, squares = 0;
  for (const FactsOfRank& one : ranks) {
    const VirialEstimate& own = *virial_of(one, variable);
    const auto n = static_cast<double>(own.chains);
    const double apart = own.temperature - mean;
    const double error = n > 1 ? own.standard_error : 0;
    squares += error * error * n * (n - 1) + apart * apart * chains * n / (chains + n);
    mean += apart * n / (chains + n);
    chains += n;
  }
  return {mean, std::sqrt(squares / (chains - 1) / chains), static_cast<int64_t>(chains)};
}

std::vector<VariableVirial> joined_virials(const Ranks& ranks) {
  std::vector<VariableVirial> joined;
  for (const VariableVirial& one : end_of(ranks.front()).virial) {
    const bool everywhere = std::all_of(
        ranks.begin(), ranks.end(), [&](const FactsOfRank& rank) { return virial_of(rank, one.variable) != nullptr; });
    if (everywhere) joined.push_back({one.variable, joined_virial(ranks, one.variable)});
  }
  return joined;
}

/// Ladders of other ranks are more of the same.
HottestFacts joined_hottest(const Ranks& ranks) {
  LadderEnergies all;
  double ladders = 0;
  for (const FactsOfRank& one : ranks) {
    const HottestFacts& own = end_of(one).swaps->hottest;
    const auto count = static_cast<double>(own.ladders);
    if (!(count > 0)) continue;
    const double apart = own.mean - all.mean, share = count / (ladders + count);
    all.between += own.between + apart * apart * ladders * share;
    all.within += (own.within - all.within) * share;
    all.mean += apart * share;
    ladders += count;
    all.draws = own.draws;
  }
  all.ladders = static_cast<int64_t>(ladders);
  return {all.ladders, all.draws, all.mean, all.between, all.within, all.rhat()};
}

std::optional<SwapFacts> joined_swaps(const Ranks& ranks) {
  if (!all_have(ranks, [](const EndFacts& end) { return end.swaps; })) return std::nullopt;
  check_lengths(ranks, "swaps.rate", [](const EndFacts& end) { return end.swaps->rate.size(); });
  SwapFacts swaps = *end_of(ranks.front()).swaps;
  double trips = 0, chains = 0;
  swaps.barrier = 0;
  for (size_t pair = 0; pair < swaps.rate.size(); ++pair) {
    double accepted = 0;
    int64_t attempts = 0;
    for (const FactsOfRank& one : ranks) {
      const int64_t tried = end_of(one).swaps->attempts.at(pair);
      if (tried > 0) accepted += static_cast<double>(tried) * end_of(one).swaps->rate[pair];
      attempts += tried;
    }
    swaps.attempts[pair] = attempts;
    swaps.rate[pair] = accepted / static_cast<double>(attempts);
    swaps.barrier += 1 - swaps.rate[pair];
  }
  for (const FactsOfRank& one : ranks) {
    trips += one.chains * end_of(one).swaps->round_trips;
    chains += one.chains;
  }
  swaps.round_trips = trips / chains;
  swaps.hottest = joined_hottest(ranks);
  return swaps;
}

/// What every rank says is said once, the rest with the rank that says it.
std::vector<std::string> joined_notes(const Ranks& ranks) {
  std::vector<std::string> notes;
  for (size_t rank = 0; rank < ranks.size(); ++rank) {
    for (const std::string& note : end_of(ranks[rank]).notes) {
      const bool common = std::all_of(ranks.begin(), ranks.end(), [&](const FactsOfRank& one) {
        const std::vector<std::string>& own = end_of(one).notes;
        return std::find(own.begin(), own.end(), note) != own.end();
      });
      if (!common) notes.push_back(fmt::format("rank {}: {}", rank, note));
      if (common && rank == 0) notes.push_back(note);
    }
  }
  return notes;
}

/// They ran beside each other.
SecondsFacts joined_seconds(const Ranks& ranks) {
  SecondsFacts all;
  for (const FactsOfRank& one : ranks) {
    const SecondsFacts& own = end_of(one).seconds;
    all.warmup = std::max(all.warmup, own.warmup);
    all.sampling = std::max(all.sampling, own.sampling);
    if (own.in_all) all.in_all = std::max(all.in_all.value_or(0), *own.in_all);
  }
  return all;
}

EndFacts joined_end(const Ranks& ranks) {
  EndFacts end = end_of(ranks.front());
  end.sums = joined_sums(ranks, &EndFacts::sums);
  end.warmup_sums = joined_sums(ranks, &EndFacts::warmup_sums);
  end.rows_evaluated = {};
  end.frozen_count = 0;
  end.frozen.clear();
  double acceptance = 0, chains = 0;
  for (const FactsOfRank& one : ranks) {
    const EndFacts& own = end_of(one);
    end.rows_evaluated.warmup += own.rows_evaluated.warmup;
    end.rows_evaluated.sampling += own.rows_evaluated.sampling;
    end.frozen_count += own.frozen_count;
    end.frozen.insert(end.frozen.end(), own.frozen.begin(), own.frozen.end());
    acceptance += one.chains * own.acceptance;
    chains += one.chains;
  }
  end.acceptance = acceptance / chains;
  end.seconds = joined_seconds(ranks);
  end.expert_energies = joined_expert_energies(ranks);
  end.virial = joined_virials(ranks);
  end.swaps = joined_swaps(ranks);
  end.notes = joined_notes(ranks);
  return end;
}

void join_beginning(BeginningFacts& beginning, const Ranks& ranks) {
  double energy = 0, chains = 0;
  for (const FactsOfRank& one : ranks) {
    const BeginningFacts& own = *one.facts->beginning;
    beginning.exact_start = beginning.exact_start && own.exact_start;
    energy += one.chains * own.start_energy;
    chains += one.chains;
  }
  beginning.start_energy = energy / chains;
}

}  // namespace

RunFacts merged_facts(const std::vector<FactsOfRank>& ranks, const std::string& into) {
  for (const FactsOfRank& one : ranks)
    if (!one.facts->end || !one.facts->beginning)
      throw FileError(fmt::format("{}/run.json: a rank to be joined must have ended, got one whose state is '{}'",
                                  one.folder, one.facts->standing.state));
  RunFacts facts = *ranks.front().facts;
  facts.rank.reset();
  facts.merged = MergeFacts{static_cast<int64_t>(ranks.size()), time_now(), into};
  facts.end = joined_end(ranks);
  join_beginning(*facts.beginning, ranks);
  return facts;
}

}  // namespace potluck
