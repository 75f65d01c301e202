// SPDX-License-Identifier: Apache-2.0
#include <type_traits>

#include "compose/record/mixtures_record.h"
#include "compose/record/record_fields.h"
#include "compose/record/run_facts_json.h"

namespace potluck {
namespace {

using Fields = RecordFields;

TypedCommand command_of(const Fields& fields) {
  return {fields.texts("command"), fields.text("folder"), fields.text_if("folder_from_run")};
}

BlockFacts block_of(const Fields& fields) {
  return {fields.texts("variables"), fields.text("method"), fields.object("options"), fields.number_if("step_size"),
          fields.number_if("trajectory_length")};
}

AnnealFacts anneal_of(const RunRecord& record) {
  const Fields fields(record);
  AnnealFacts anneal;
  anneal.levels = fields.whole("levels");
  anneal.steps = fields.whole("steps", 1);
  anneal.spacing = fields.text("spacing");
  anneal.predictor = fields.flag_if("predictor").value_or(false);
  anneal.noisy_given = fields.flag_if("noisy_given").value_or(false);
  anneal.step_by_level = fields.has("step_size");
  if (const RunRecord* size = fields.find("step_size"); size && size->is_number())
    anneal.step_size = size->get<double>();
  for (const auto& [key, value] : record.items()) {
    const std::optional<double> from = Fields(value).number_if("from");
    if (!from) continue;  // one of the keys above
    if (key == "temperature")
      anneal.temperature = from;
    else
      anneal.given.emplace_back(key, *from);
  }
  return anneal;
}

SamplingAsked sampling_of(const Fields& fields) {
  SamplingAsked asked;
  asked.method = fields.text("method");
  asked.exact_method = fields.flag_if("exact_method");
  if (fields.has("options")) asked.options = fields.object("options");
  for (const RunRecord& block : fields.items("blocks")) asked.blocks.push_back(block_of(Fields(block)));
  asked.wanted_acceptance = fields.number_if("wanted_acceptance");
  asked.chains = fields.whole("chains");
  asked.superchain = fields.whole("superchain", 1);
  if (fields.has("cooling")) {
    const Fields cooling(fields.object("cooling"));
    asked.cooling = CoolingFacts{cooling.number("from"), cooling.whole("steps")};
  }
  if (fields.has("anneal")) asked.anneal = anneal_of(fields.object("anneal"));
  asked.warmup = fields.whole("warmup");
  asked.steps = fields.whole("steps");
  asked.thin = fields.whole("thin", 1);
  asked.pictures = fields.texts("pictures");
  asked.hard_walls = fields.flag_if("hard_walls");
  if (fields.has("mixtures")) asked.mixtures = mixtures_of(*fields.find("mixtures"));
  return asked;
}

AnnealingAsked annealing_of(const Fields& fields) {
  AnnealingAsked asked{fields.whole("particles"), fields.whole("repeats"), fields.whole("moves")};
  if (fields.has("along")) {
    asked.along = anneal_of(fields.object("along"));
    return asked;
  }
  asked.base_mean = fields.number("base-mean");
  asked.base_scale = fields.number("base-scale");
  return asked;
}

TrainingAsked training_of(const Fields& fields) { return {fields.texts("objectives"), fields.texts("experts")}; }

std::optional<MachineFacts> machine_of(const Fields& fields) {
  MachineFacts machine;
  for (const auto& [key, text] : {std::pair{"processor", &machine.processor},
                                  {"instructions", &machine.instructions},
                                  {"kernels", &machine.kernels},
                                  {"compiler", &machine.compiler}}) {
    const auto found = fields.text_if(key);
    if (!found) return std::nullopt;
    *text = *found;
  }
  return machine;
}

Surroundings surroundings_of(const Fields& fields, const RunRecord& record) {
  Surroundings around;
  around.device = fields.text("device");
  around.threads = fields.whole("threads", 1);
  around.machine = machine_of(Fields(fields.object("machine")));
  if (const RunRecord* libtorch = fields.find("libtorch")) around.libtorch = *libtorch;
  for (const RunRecord& one : fields.items("variables")) {
    const Fields variable(one);
    around.variables.push_back({variable.text("name"), variable.wholes("shape"), variable.whole("held"),
                                variable.whole_if("categories"), variable.has("transformed")});
  }
  around.experts = fields.texts("experts");
  for (const RunRecord& one : fields.items("plugins")) {
    const Fields plugin(one);
    around.plugins.push_back({plugin.text("id"), plugin.text("version"), plugin.text("file"), plugin.text("sha256"),
                              plugin.texts("models")});
  }
  for (const auto& [file, hash] : fields.object("files").items()) around.files[file] = hash.get<std::string>();
  around.file_text = fields.text_if("file_text");
  around.log_z = estimates_of(record);
  around.explanation = fields.texts("explanation");
  around.composition = fields.text("composition");
  return around;
}

/// Means that are there, and counts since then, under their keys behind `before`.
void read_sums(RowSums<SumFacts>& sums, const Fields& fields, const std::string& before) {
  for_each_row_sum(
      [&](const RowSum& about, auto& one) {
        if (!about.key) return;
        const std::string key = before + about.key;
        if constexpr (std::is_integral_v<std::decay_t<decltype(one)>>) {
          one = fields.whole(key.c_str());
        } else if (fields.has(key.c_str())) {
          const Fields figure(fields.object(key.c_str()));
          one = MeanFacts{figure.number(about.figure()), figure.number("count")};
        }
      },
      sums);
}

ExpertEnergyFacts expert_energies_of(const Fields& fields) {
  ExpertEnergyFacts energies{fields.number("count"), fields.number("mean"), fields.number("variance"), {}};
  for (const RunRecord& one : fields.items("experts")) {
    const Fields expert(one);
    energies.experts.push_back({expert.text("name"), expert.number("mean"), expert.number("variance"),
                                expert.number("covariance"), expert.number("share")});
  }
  return energies;
}

SwapFacts swaps_of(const Fields& fields) {
  const Fields hottest(fields.object("hottest_energy"));
  return {fields.numbers("temperature"),
          fields.numbers("rate"),
          fields.wholes("attempts"),
          fields.number("barrier"),
          fields.number("round_trips_per_ladder_and_step"),
          {hottest.whole("ladders"), hottest.whole("draws"), hottest.number("mean"), hottest.number("between"),
           hottest.number("within"), hottest.number("rhat")}};
}

FrozenFacts frozen_of(const Fields& fields) {
  FrozenFacts chain{fields.whole("chain"), fields.whole("step"), {}};
  const Fields not_finite(fields.object("not_finite"));
  for (const auto& [expert, energy] : fields.object("expert_energy").items()) {
    const auto value = energy.is_number() ? std::optional(energy.template get<double>()) : std::nullopt;
    chain.energies.push_back({expert, value, not_finite.text_if(expert.c_str())});
  }
  return chain;
}

Effort effort_of(const Fields& fields) { return {fields.whole("warmup"), fields.whole("sampling")}; }

EndFacts end_of(const Fields& fields) {
  EndFacts end;
  end.steps_done = fields.whole("steps_done");
  end.draws = fields.whole("draws");
  end.step_size = fields.number("step_size");
  end.trajectory_length = fields.number_if("trajectory_length");
  end.acceptance = fields.number("acceptance");
  read_sums(end.sums, fields, "");
  read_sums(end.warmup_sums, fields, "warmup_");
  if (fields.has("expert_energies")) end.expert_energies = expert_energies_of(Fields(fields.object("expert_energies")));
  if (fields.has("gradient_evaluations"))
    end.gradient_evaluations = effort_of(Fields(fields.object("gradient_evaluations")));
  end.rows_evaluated = effort_of(Fields(fields.object("rows_evaluated")));
  for (const auto& [variable, one] : fields.object("virial").items()) {
    const Fields figures(one);
    end.virial.push_back(
        {variable, {figures.number("temperature"), figures.number("standard_error"), figures.whole("chains")}});
  }
  if (fields.has("swaps")) end.swaps = swaps_of(Fields(fields.object("swaps")));
  end.frozen_count = fields.whole("frozen_count");
  for (const RunRecord& chain : fields.items("frozen")) end.frozen.push_back(frozen_of(Fields(chain)));
  const Fields seconds(fields.object("seconds"));
  end.seconds = {seconds.number_if("warmup").value_or(0), seconds.number("sampling"), seconds.number_if("in_all")};
  end.notes = fields.texts("notes");
  return end;
}

BeginningFacts beginning_of(const Fields& fields) {
  return {fields.flag_if("exact_start").value_or(false), fields.number("start_energy"), fields.number_if("step_size"),
          fields.whole_if("warmup_nan_proposals")};
}

Until rule_of(const Fields& fields) {
  return {fields.number_if("rhat"), fields.number_if("ess"), fields.number_if("mcse"), fields.number_if("time")};
}

NotMadeFacts not_made_of(const Fields& fields) {
  NotMadeFacts not_made{{}, fields.text("state"), fields.text("why_stopped")};
  for (const auto& [file, why] : fields.object("files").items())
    not_made.files.emplace_back(file, why.template get<std::string>());
  return not_made;
}

/// What concerns the process and its end, and not what was drawn.
void read_course(RunFacts& facts, const Fields& fields) {
  facts.standing = {fields.text("state"), fields.text_if("why_stopped"), fields.text("started"),
                    fields.text_if("ended")};
  if (fields.has("rank")) {
    const Fields rank(fields.object("rank"));
    facts.rank = RankFacts{rank.whole("rank"), rank.whole("world", 1)};
  }
  for (const RunRecord& one : fields.items("resumed")) {
    const Fields resumed(one);
    facts.resumed.push_back({resumed.text("at"), resumed.whole("draws"), command_of(resumed)});
  }
  if (fields.has("stopped_by")) facts.stopped_by = rule_of(Fields(fields.object("stopped_by")));
  const Fields until(fields.object("until"));
  if (until.flag_if("reached"))
    facts.until = UntilFacts{*until.flag_if("reached"), until.text("standing"), until.text("looked_at")};
  const Fields verdict(fields.object("verdict"));
  if (verdict.text_if("text")) facts.verdict = VerdictFacts{verdict.text("usable"), verdict.text("text")};
  if (fields.has("not_made")) facts.not_made = not_made_of(Fields(fields.object("not_made")));
  const Fields merged(fields.object("merged"));
  if (fields.has("merged")) facts.merged = MergeFacts{fields.whole("ranks"), merged.text("at"), merged.text("into")};
}

}  // namespace

RunFacts facts_of(const RunRecord& record) {
  const Fields fields(record);
  RunFacts facts;
  facts.potluck = fields.text("potluck");
  read_course(facts, fields);
  facts.command = command_of(fields);
  facts.file = fields.text("file");
  if (fields.has("annealing"))
    facts.annealing = annealing_of(Fields(fields.object("annealing")));
  else if (fields.has("training"))
    facts.training = training_of(Fields(fields.object("training")));
  else
    facts.sampling = sampling_of(fields);
  facts.seed = fields.whole_if("seed");
  facts.temperature = fields.number_if("temperature");
  facts.precision = fields.text_if("precision");
  facts.start = fields.text_if("start");
  facts.surroundings = surroundings_of(fields, record);
  facts.warnings = fields.texts("warnings");
  if (fields.has("exact_start")) facts.beginning = beginning_of(fields);
  if (fields.has("steps_done"))
    facts.end = end_of(fields);
  else
    facts.exported_draws = fields.whole_if("draws");
  const RunRecord printed = to_json(facts);
  for (const auto& [key, value] : record.items())
    if (!printed.contains(key)) facts.others[key] = value;
  return facts;
}

}  // namespace potluck
