// SPDX-License-Identifier: Apache-2.0
#include "apps/record/joined_record.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <string>

#include "apps/record/expert_energies.h"
#include "core/error.h"

namespace potluck {
namespace {

double number(const RunRecord& value) { return value.is_number() ? value.get<double>() : std::nan(""); }

bool all_have(const std::vector<RankRecord>& ranks, const std::string& key) {
  return std::all_of(ranks.begin(), ranks.end(), [&](const RankRecord& one) { return one.record->contains(key); });
}

/// @throws FileError where the list of a rank is longer or shorter than that of the first
void check_lengths(const std::vector<RankRecord>& ranks, const std::string& section, const std::string& list) {
  const auto length = [&](const RankRecord& one) { return one.record->at(section).at(list).size(); };
  for (const RankRecord& one : ranks)
    if (length(one) != length(ranks.front()))
      throw FileError(fmt::format("{}/run.json: {}.{} must have {} entries, as in {}, got {}", one.folder, section,
                                  list, length(ranks.front()), ranks.front().folder, length(one)));
}

/// A mean over `count` things, or the root of one.
void join_step_figure(RunRecord& record, const std::vector<RankRecord>& ranks, const std::string& figure,
                      const std::string& key, bool root) {
  record.erase(figure);
  if (!all_have(ranks, figure)) return;
  double sum = 0, count = 0;
  for (const RankRecord& one : ranks) {
    const RunRecord& own = one.record->at(figure);
    const double n = own.at("count"), value = number(own.at(key));
    sum += n * (root ? value * value : value);
    count += n;
  }
  record[figure] = {{key, root ? std::sqrt(sum / count) : sum / count}, {"count", count}};
}

void join_expert_energies(RunRecord& record, const std::vector<RankRecord>& ranks) {
  const std::string key = "expert_energies";
  record.erase(key);
  if (!all_have(ranks, key)) return;
  check_lengths(ranks, key, "experts");
  EnergyShares all = energy_shares_of(ranks.front().record->at(key));
  std::vector<std::string> experts;
  for (const RunRecord& expert : ranks.front().record->at(key).at("experts")) experts.push_back(expert.at("name"));
  for (size_t rank = 1; rank < ranks.size(); ++rank) all.merge(energy_shares_of(ranks[rank].record->at(key)));
  record[key] = expert_energies_record(all, experts);
}

/// The mean over all chains and its standard error, from those of the ranks: a standard error of n chains tells their
/// sum of squared deviations, se^2 n (n - 1).
RunRecord joined_virial(const std::vector<RankRecord>& ranks, const std::string& variable) {
  double chains = 0, mean = 0, squares = 0;
  for (const RankRecord& one : ranks) {
    const RunRecord& own = one.record->at("virial").at(variable);
    const double n = own.at("chains"), apart = number(own.at("temperature")) - mean;
    const double error = n > 1 ? number(own.at("standard_error")) : 0;
    squares += error * error * n * (n - 1) + apart * apart * chains * n / (chains + n);
    mean += apart * n / (chains + n);
    chains += n;
  }
  return {{"temperature", mean},
          {"standard_error", std::sqrt(squares / (chains - 1) / chains)},
          {"chains", static_cast<int64_t>(chains)}};
}

void join_virials(RunRecord& record, const std::vector<RankRecord>& ranks) {
  RunRecord joined = RunRecord::object();
  for (const auto& [variable, figures] : record.at("virial").items()) {
    const std::string& name = variable;
    const bool everywhere = std::all_of(ranks.begin(), ranks.end(),
                                        [&](const RankRecord& one) { return one.record->at("virial").contains(name); });
    if (everywhere) joined[name] = joined_virial(ranks, name);
  }
  record["virial"] = joined;
}

/// Ladders of other ranks are more of the same.
RunRecord joined_hottest(const std::vector<RankRecord>& ranks) {
  LadderEnergies all;
  double ladders = 0;
  for (const RankRecord& one : ranks) {
    const RunRecord& own = one.record->at("swaps").at("hottest_energy");
    const double count = own.at("ladders");
    if (!(count > 0)) continue;
    const double apart = number(own.at("mean")) - all.mean, share = count / (ladders + count);
    all.between += number(own.at("between")) + apart * apart * ladders * share;
    all.within += (number(own.at("within")) - all.within) * share;
    all.mean += apart * share;
    ladders += count;
    all.draws = own.at("draws");
  }
  all.ladders = static_cast<int64_t>(ladders);
  return record_of(all);
}

void join_swaps(RunRecord& record, const std::vector<RankRecord>& ranks) {
  if (!all_have(ranks, "swaps")) {
    record.erase("swaps");
    return;
  }
  check_lengths(ranks, "swaps", "rate");
  RunRecord& swaps = record["swaps"];
  const size_t pairs = swaps.at("rate").size();
  double barrier = 0, trips = 0, chains = 0;
  for (size_t pair = 0; pair < pairs; ++pair) {
    double accepted = 0;
    int64_t attempts = 0;
    for (const RankRecord& one : ranks) {
      const RunRecord& own = one.record->at("swaps");
      const auto tried = own.at("attempts").at(pair).get<int64_t>();
      if (tried > 0) accepted += static_cast<double>(tried) * number(own.at("rate").at(pair));
      attempts += tried;
    }
    swaps["rate"][pair] = accepted / static_cast<double>(attempts);
    swaps["attempts"][pair] = attempts;
    barrier += 1 - accepted / static_cast<double>(attempts);
  }
  for (const RankRecord& one : ranks) {
    trips += one.chains * number(one.record->at("swaps").at("round_trips_per_ladder_and_step"));
    chains += one.chains;
  }
  swaps["barrier"] = barrier;
  swaps["round_trips_per_ladder_and_step"] = trips / chains;
  swaps["hottest_energy"] = joined_hottest(ranks);
}

/// What every rank says is said once, the rest with the rank that says it.
RunRecord joined_notes(const std::vector<RankRecord>& ranks) {
  RunRecord notes = RunRecord::array();
  const auto says = [](const RankRecord& one, const RunRecord& note) {
    const RunRecord& own = one.record->at("notes");
    return std::find(own.begin(), own.end(), note) != own.end();
  };
  for (size_t rank = 0; rank < ranks.size(); ++rank) {
    for (const RunRecord& note : ranks[rank].record->at("notes")) {
      const bool common =
          std::all_of(ranks.begin(), ranks.end(), [&](const RankRecord& one) { return says(one, note); });
      if (!common) notes.push_back(fmt::format("rank {}: {}", rank, note.get<std::string>()));
      if (common && rank == 0) notes.push_back(note);
    }
  }
  return notes;
}

}  // namespace

RunRecord joined_record(const std::vector<RankRecord>& ranks) {
  RunRecord record = *ranks.front().record;
  record.erase("rank");
  record["ranks"] = ranks.size();
  for (const char* count : {"nan_proposals", "warmup_nan_proposals", "divergences", "frozen_count"}) {
    int64_t sum = 0;
    for (const RankRecord& one : ranks) sum += one.record->at(count).get<int64_t>();
    record[count] = sum;
  }
  for (const char* phase : {"warmup", "sampling"}) {
    int64_t rows = 0;
    for (const RankRecord& one : ranks) rows += one.record->at("rows_evaluated").at(phase).get<int64_t>();
    record["rows_evaluated"][phase] = rows;
  }
  RunRecord frozen = RunRecord::array();
  bool exact_start = true;
  double acceptance = 0, start_energy = 0, chains = 0;
  for (const RankRecord& one : ranks) {
    for (const auto& chain : one.record->at("frozen")) frozen.push_back(chain);
    exact_start = exact_start && one.record->at("exact_start").get<bool>();
    acceptance += one.chains * number(one.record->at("acceptance"));
    start_energy += one.chains * number(one.record->at("start_energy"));
    chains += one.chains;
    // They ran beside each other.
    for (const auto& [phase, seconds] : one.record->at("seconds").items())
      record["seconds"][phase] = std::max(record["seconds"].value(phase, 0.0), seconds.get<double>());
  }
  record["frozen"] = frozen;
  record["exact_start"] = exact_start;
  record["acceptance"] = acceptance / chains;
  record["start_energy"] = start_energy / chains;
  join_step_figure(record, ranks, "energy_error", "root_mean_square", true);
  join_step_figure(record, ranks, "gradient_norm", "root_mean_square", true);
  join_step_figure(record, ranks, "reflected", "mean", false);
  join_expert_energies(record, ranks);
  join_virials(record, ranks);
  join_swaps(record, ranks);
  record["notes"] = joined_notes(ranks);
  return record;
}

}  // namespace potluck
