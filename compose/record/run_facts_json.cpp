// SPDX-License-Identifier: Apache-2.0
#include "compose/record/run_facts_json.h"

#include <type_traits>

#include "compose/record/mixtures_record.h"

namespace potluck {
namespace {

// JSON has no infinities and no NaN: nlohmann writes null for them.

template <class Value>
void put_known(RunRecord& record, const char* key, const std::optional<Value>& value) {
  if (value) record[key] = *value;
}

template <class Value>
RunRecord or_null(const std::optional<Value>& value) {
  return value ? RunRecord(*value) : RunRecord(nullptr);
}

RunRecord json_of(const BlockFacts& block) {
  RunRecord json = {{"variables", block.variables}, {"method", block.method}, {"options", block.options}};
  put_known(json, "step_size", block.step_size);
  put_known(json, "trajectory_length", block.trajectory_length);
  return json;
}

RunRecord json_of(const MachineFacts& machine) {
  return {{"processor", machine.processor},
          {"instructions", machine.instructions},
          {"kernels", machine.kernels},
          {"compiler", machine.compiler}};
}

RunRecord json_of(const VariableFacts& variable) {
  RunRecord json = {{"name", variable.name}, {"shape", variable.shape}, {"held", variable.held}};
  put_known(json, "categories", variable.categories);
  if (variable.transformed) json["transformed"] = true;
  return json;
}

RunRecord json_of(const PluginFacts& plugin) {
  return {{"id", plugin.id},
          {"version", plugin.version},
          {"file", plugin.file},
          {"sha256", plugin.sha256},
          {"models", plugin.models}};
}

RunRecord json_of(const Resumption& one) {
  RunRecord json = {{"at", one.at}, {"draws", one.draws}, {"command", one.command.words}};
  json["folder"] = one.command.folder;
  put_known(json, "folder_from_run", one.command.folder_from_run);
  return json;
}

/// As sample.anneal says it: a variable of the name of another key does not move.
RunRecord json_of(const AnnealFacts& anneal) {
  RunRecord json = RunRecord::object();
  if (anneal.temperature) json["temperature"] = {{"from", *anneal.temperature}};
  for (const auto& [variable, from] : anneal.given) json[variable] = {{"from", from}};
  json["levels"] = anneal.levels;
  json["steps"] = anneal.steps;
  json["spacing"] = anneal.spacing;
  if (anneal.predictor) json["predictor"] = true;
  if (anneal.step_by_level) json["step_size"] = anneal.step_size ? RunRecord(*anneal.step_size) : RunRecord("auto");
  if (anneal.noisy_given) json["noisy_given"] = true;
  return json;
}

RunRecord json_of(const AnnealingAsked& asked) {
  RunRecord json = {{"particles", asked.particles}, {"repeats", asked.repeats}, {"moves", asked.moves}};
  if (asked.along) {
    json["along"] = json_of(*asked.along);
    return json;
  }
  json["base-mean"] = asked.base_mean;
  json["base-scale"] = asked.base_scale;
  return json;
}

RunRecord json_of(const FrozenFacts& chain) {
  RunRecord energies = RunRecord::object(), not_finite = RunRecord::object();
  for (const FrozenFacts::Energy& one : chain.energies) {
    energies[one.expert] = or_null(one.value);
    // Beside the null, which of them it is.
    if (one.not_finite) not_finite[one.expert] = *one.not_finite;
  }
  return {{"chain", chain.chain}, {"step", chain.step}, {"expert_energy", energies}, {"not_finite", not_finite}};
}

template <class Item>
RunRecord list_of(const std::vector<Item>& items) {
  RunRecord list = RunRecord::array();
  for (const Item& item : items) list.push_back(json_of(item));
  return list;
}

void put_sampling(RunRecord& record, const SamplingAsked& asked) {
  record["method"] = asked.method;
  put_known(record, "exact_method", asked.exact_method);
  if (!asked.options.is_null()) record["options"] = asked.options;
  if (!asked.blocks.empty()) record["blocks"] = list_of(asked.blocks);
  record["wanted_acceptance"] = or_null(asked.wanted_acceptance);
  record["chains"] = asked.chains;
  if (asked.superchain > 1) record["superchain"] = asked.superchain;
  if (asked.cooling) record["cooling"] = {{"from", asked.cooling->from}, {"steps", asked.cooling->steps}};
  if (asked.anneal) record["anneal"] = json_of(*asked.anneal);
  record["warmup"] = asked.warmup;
  record["steps"] = asked.steps;
  record["thin"] = asked.thin;
}

void put_asked(RunRecord& record, const RunFacts& facts) {
  if (facts.sampling) put_sampling(record, *facts.sampling);
  if (facts.annealing) record["annealing"] = json_of(*facts.annealing);
  if (facts.training)
    record["training"] = {{"objectives", facts.training->objectives}, {"experts", facts.training->experts}};
  put_known(record, "seed", facts.seed);
  put_known(record, "temperature", facts.temperature);
  put_known(record, "precision", facts.precision);
  put_known(record, "start", facts.start);
}

void put_surroundings(RunRecord& record, const RunFacts& facts) {
  const Surroundings& around = facts.surroundings;
  record["device"] = around.device;
  record["threads"] = around.threads;
  if (around.machine) record["machine"] = json_of(*around.machine);
  put_known(record, "libtorch", around.libtorch);
  record["variables"] = list_of(around.variables);
  record["experts"] = around.experts;
  record["plugins"] = list_of(around.plugins);
  record["files"] = around.files;
  put_known(record, "file_text", around.file_text);
  if (!around.log_z.empty()) record["log_z"] = record_of(around.log_z);
  record["explanation"] = around.explanation;
  record["composition"] = around.composition;
  record["warnings"] = facts.warnings;
}

void put_folder(RunRecord& record, const TypedCommand& command) {
  record["folder"] = command.folder;
  put_known(record, "folder_from_run", command.folder_from_run);
}

void put_means(RunRecord& record, const RowSums<SumFacts>& sums) {
  for_each_row_sum(
      [&](const RowSum& about, const auto& one) {
        if constexpr (!std::is_integral_v<std::decay_t<decltype(one)>>) {
          if (one) record[about.key] = {{about.figure(), one->value}, {"count", one->count}};
        }
      },
      sums);
}

/// Of what is counted since then.
void put_counts(RunRecord& record, const RowSums<SumFacts>& sums, RowSum::Since since, const std::string& before = "") {
  for_each_row_sum(
      [&](const RowSum& about, const auto& one) {
        if constexpr (std::is_integral_v<std::decay_t<decltype(one)>>) {
          if (about.key && about.since == since) record[before + about.key] = one;
        }
      },
      sums);
}

RunRecord json_of(const ExpertEnergyFacts& energies) {
  RunRecord list = RunRecord::array();
  for (const ExpertEnergyFacts::Expert& one : energies.experts)
    list.push_back({{"name", one.name},
                    {"mean", one.mean},
                    {"variance", one.variance},
                    {"covariance", one.covariance},
                    {"share", one.share}});
  return {{"count", energies.count}, {"mean", energies.mean}, {"variance", energies.variance}, {"experts", list}};
}

RunRecord json_of(const Effort& effort) { return {{"warmup", effort.warmup}, {"sampling", effort.sampling}}; }

RunRecord json_of(const std::vector<VariableVirial>& virials) {
  RunRecord json = RunRecord::object();
  for (const VariableVirial& one : virials)
    json[one.variable] = {{"temperature", one.estimate.temperature},
                          {"standard_error", one.estimate.standard_error},
                          {"chains", one.estimate.chains}};
  return json;
}

RunRecord json_of(const HottestFacts& hottest) {
  return {{"ladders", hottest.ladders}, {"draws", hottest.draws},   {"mean", hottest.mean},
          {"between", hottest.between}, {"within", hottest.within}, {"rhat", hottest.rhat}};
}

RunRecord json_of(const SwapFacts& swaps) {
  return {{"temperature", swaps.temperature},
          {"rate", swaps.rate},
          {"attempts", swaps.attempts},
          {"barrier", swaps.barrier},
          {"round_trips_per_ladder_and_step", swaps.round_trips},
          {"hottest_energy", json_of(swaps.hottest)}};
}

RunRecord json_of(const SecondsFacts& seconds) {
  RunRecord json = {{"warmup", seconds.warmup}, {"sampling", seconds.sampling}};
  put_known(json, "in_all", seconds.in_all);
  return json;
}

void put_beginning(RunRecord& record, const BeginningFacts& beginning) {
  record["exact_start"] = beginning.exact_start;
  record["start_energy"] = beginning.start_energy;
  put_known(record, "step_size", beginning.step_size);
  put_known(record, "warmup_nan_proposals", beginning.warmup_nan_proposals);
}

/// Of a joined run the sums stand behind, with what says that it was joined.
void put_sums(RunRecord& record, const EndFacts& end) {
  put_means(record, end.sums);
  if (end.expert_energies) record["expert_energies"] = json_of(*end.expert_energies);
}

void put_end(RunRecord& record, const EndFacts& end, bool joined) {
  record["steps_done"] = end.steps_done;
  record["draws"] = end.draws;
  record["step_size"] = end.step_size;
  put_known(record, "trajectory_length", end.trajectory_length);
  record["acceptance"] = end.acceptance;
  if (!joined) put_sums(record, end);
  if (end.gradient_evaluations) record["gradient_evaluations"] = json_of(*end.gradient_evaluations);
  record["rows_evaluated"] = json_of(end.rows_evaluated);
  put_counts(record, end.sums, RowSum::Since::kDraw);
  record["virial"] = json_of(end.virial);
  if (end.swaps) record["swaps"] = json_of(*end.swaps);
  put_counts(record, end.sums, RowSum::Since::kStart);
  put_counts(record, end.warmup_sums, RowSum::Since::kStart, "warmup_");
  record["frozen_count"] = end.frozen_count;
  record["frozen"] = list_of(end.frozen);
  record["seconds"] = json_of(end.seconds);
  record["notes"] = end.notes;
}

RunRecord json_of(const Until& rule) {
  RunRecord json = RunRecord::object();
  put_known(json, "rhat", rule.rhat);
  put_known(json, "ess", rule.ess);
  put_known(json, "mcse", rule.mcse);
  put_known(json, "time", rule.seconds);
  return json;
}

void put_verdict(RunRecord& record, const RunFacts& facts) {
  if (facts.verdict) record["verdict"] = {{"usable", facts.verdict->usable}, {"text", facts.verdict->text}};
  if (!facts.not_made) return;
  RunRecord files = RunRecord::object();
  for (const auto& [file, why] : facts.not_made->files) files[file] = why;
  record["not_made"] = {
      {"files", files}, {"state", facts.not_made->state}, {"why_stopped", facts.not_made->why_stopped}};
}

void put_merged(RunRecord& record, const RunFacts& facts) {
  record["ranks"] = facts.merged->ranks;
  if (facts.end) put_sums(record, *facts.end);
  record["merged"] = {{"at", facts.merged->at}, {"into", facts.merged->into}};
}

}  // namespace

RunRecord asked_json(const RunFacts& facts) {
  RunRecord record = RunRecord::object();
  put_asked(record, facts);
  return record;
}

RunRecord to_json(const RunFacts& facts) {
  const bool draws = !facts.annealing && !facts.training;
  RunRecord record;
  record["potluck"] = facts.potluck;
  record["state"] = facts.standing.state;
  if (draws) record["why_stopped"] = or_null(facts.standing.why_stopped);
  record["started"] = facts.standing.started;
  record["ended"] = or_null(facts.standing.ended);
  record["command"] = facts.command.words;
  if (!draws) record["folder"] = facts.command.folder;  // of the file's name
  record["file"] = facts.file;
  put_asked(record, facts);
  if (facts.sampling) record["pictures"] = facts.sampling->pictures;
  put_surroundings(record, facts);
  if (facts.sampling) put_known(record, "hard_walls", facts.sampling->hard_walls);
  if (facts.sampling && facts.sampling->mixtures) record["mixtures"] = record_of(*facts.sampling->mixtures);
  put_folder(record, facts.command);
  if (facts.rank) record["rank"] = {{"rank", facts.rank->rank}, {"world", facts.rank->world}};
  if (!facts.resumed.empty()) record["resumed"] = list_of(facts.resumed);
  if (!draws) put_known(record, "why_stopped", facts.standing.why_stopped);
  if (facts.beginning) put_beginning(record, *facts.beginning);
  if (facts.end) put_end(record, *facts.end, facts.merged.has_value());
  put_known(record, "draws", facts.exported_draws);
  if (facts.stopped_by) record["stopped_by"] = json_of(*facts.stopped_by);
  if (!facts.merged) put_verdict(record, facts);
  if (facts.until)
    record["until"] = {
        {"reached", facts.until->reached}, {"standing", facts.until->standing}, {"looked_at", facts.until->looked_at}};
  if (facts.merged) {
    put_merged(record, facts);
    put_verdict(record, facts);
  }
  for (const auto& [key, value] : facts.others.items())
    if (!record.contains(key)) record[key] = value;
  return record;
}

}  // namespace potluck
