// SPDX-License-Identifier: Apache-2.0
#include "apps/record/run_record.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <iterator>
#include <map>

#include "apps/process/last_words.h"
#include "apps/record/expert_energies.h"
#include "apps/record/mixtures_record.h"
#include "apps/record/record_shape.h"
#include "compose/file/sample.h"
#include "compose/session/device.h"
#include "core/backend/cpu_rows.h"
#include "core/energy/transform.h"
#include "core/files/formats/atomic_file.h"
#include "core/files/formats/utf8_text.h"
#include "core/files/formats/write_error.h"
#include "core/methods/method.h"
#include "core/version.h"
#include "plugins/library.h"
#include "plugins/libtorch_products.h"

namespace potluck {
namespace {

RunRecord plugins_of(const Session& session) {
  // By file: several models of one plugin are one entry.
  std::map<std::string, RunRecord> plugins;
  for (const ModelKind* kind : session.models()) {
    RunRecord& plugin = plugins[kind->plugin_file];
    plugin["id"] = kind->plugin_id;
    plugin["version"] = kind->plugin_version;
    plugin["file"] = kind->plugin_file;
    plugin["sha256"] = kind->plugin_sha256;
    plugin["models"].push_back(kind->name);
  }
  RunRecord list = RunRecord::array();
  for (auto& [file, plugin] : plugins) list.push_back(std::move(plugin));
  return list;
}

RunRecord variables_of(const Composition& composition) {
  RunRecord list = RunRecord::array();
  for (size_t v = 0; v < composition.variables.size(); ++v) {
    const Variable& variable = composition.variables[v];
    int64_t held = 0;
    for (const uint8_t coordinate : composition.held[v].mask) held += coordinate != 0 ? 1 : 0;
    RunRecord entry = {{"name", variable.name}, {"shape", variable.shape}, {"held", held}};
    if (variable.categorical()) entry["categories"] = variable.categories;
    if (is_transformed(variable, composition.held[v])) entry["transformed"] = true;
    list.push_back(std::move(entry));
  }
  return list;
}

RunRecord method_options(const std::string& name, const std::vector<SettingValue>& values) {
  const MethodDescription& description = method(name);
  RunRecord options = RunRecord::object();
  for (size_t i = 0; i < description.options.size() && i < values.size(); ++i) {
    const SettingDescription& option = description.options[i];
    const SettingValue& value = values[i];
    RunRecord words = RunRecord::array();
    for (const int64_t number : value.integer) {
      if (option.kind == SettingKind::kChoice)
        words.push_back(option.choices.at(static_cast<size_t>(number)));
      else if (option.kind == SettingKind::kBool)
        words.push_back(number != 0);
      else
        words.push_back(number);
    }
    // A word such as `step_size: auto` is held as NaN.
    for (const double number : value.real)
      words.push_back(std::isnan(number) && !option.choices.empty() ? RunRecord(option.choices[0]) : RunRecord(number));
    for (const std::string& text : value.text) words.push_back(text);
    options[option.name] = option.list || words.size() != 1 ? words : RunRecord(words[0]);
  }
  return options;
}

/// What changes the code that LibTorch and its linear algebra choose.
constexpr const char* kDispatchVariables[] = {"ATEN_CPU_CAPABILITY", "MKL_CBWR", "MKL_ENABLE_INSTRUCTIONS",
                                              "ONEDNN_MAX_CPU_ISA"};

/// How the models' own arithmetic is dispatched on the CPU; null where no model uses LibTorch. The threads of a product
/// are not in it: a tile's products are made on one.
RunRecord libtorch_of(const Session& session) {
  const std::vector<const ModelKind*> models = session.models();
  if (std::none_of(models.begin(), models.end(), [](const ModelKind* kind) { return kind->plugin_torch != "none"; }))
    return nullptr;
  RunRecord record = {{"build", libtorch_build()}};
  if (const auto products = libtorch_products()) {
    record["kernels"] = products->kernels;
    record["linear_algebra"] = products->library;
    record["product_bits"] = {{"float32", products->float32_bits}, {"float64", products->float64_bits}};
  }
  record["environment"] = RunRecord::object();
  for (const char* name : kDispatchVariables)
    if (const char* value = std::getenv(name)) record["environment"][name] = value;
  return record;
}

/// "chain 17 at step 1734, critic = inf, smooth = 3.25"
std::string frozen_text(const RunRecord& frozen) {
  std::string text =
      fmt::format("chain {} at step {}", frozen.at("chain").get<int64_t>(), frozen.at("step").get<int64_t>());
  for (const auto& [expert, energy] : frozen.at("expert_energy").items())
    text += energy.is_number()
                ? fmt::format(", {} = {:.4g}", expert, energy.get<double>())
                : fmt::format(", {} = {}", expert,
                              frozen.value("not_finite", RunRecord::object()).value(expert, "not finite"));
  return text;
}

/// What warm-up tunes towards, the mean over the parts of a step; null where one of them is not tuned to anything.
RunRecord wanted_acceptance(Method& method) {
  double sum = 0, count = 0;
  for (const MethodPart& part : method.parts()) {
    if (part.method->description().labels) continue;  // draws them, and decides nothing
    const auto wanted = part.method->tuning().acceptance;
    if (!wanted) return nullptr;
    sum += *wanted;
    ++count;
  }
  if (count == 0) return nullptr;
  return sum / count;
}

/// Blocks of a sweep, as they are asked for.
RunRecord blocks_of(const SampleSettings& sample) {
  RunRecord list = RunRecord::array();
  for (const BlockOptions& block : sample.blocks)
    list.push_back({{"variables", block.variables},
                    {"method", block.method},
                    {"options", method_options(block.method, block.values)}});
  return list;
}

/// Each beside what it was taken over, so that `potluck merge` can join those of several processes.
void add_step_figures(RunRecord& record, const RunSummary& run) {
  if (run.energy_error.count > 0)
    record["energy_error"] = {{"root_mean_square", run.energy_error.root_mean_square()},
                              {"count", run.energy_error.count}};
  if (run.gradient_square.count > 0)
    record["gradient_norm"] = {{"root_mean_square", run.gradient_square.root_mean_square()},
                               {"count", run.gradient_square.count}};
  if (run.reflected.count > 0) record["reflected"] = {{"mean", run.reflected.mean()}, {"count", run.reflected.count}};
}

std::string processor_name() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);)
    if (line.rfind("model name", 0) == 0) return line.substr(std::min(line.size(), line.find(':') + 2));
  return "unknown";
}

/// Coordinates with momenta that every trajectory draws afresh; none where the method has no such, or the energy that
/// they move in is not the recorded one, as of transformed variables.
std::optional<int64_t> fresh_momenta(const RunRecord& record) {
  if (record.value("method", "") != "hmc" || !record.contains("variables")) return std::nullopt;
  int64_t count = 0;
  for (const auto& variable : record["variables"]) {
    if (variable.contains("transformed")) return std::nullopt;
    if (variable.contains("categories")) continue;
    int64_t size = 1;
    for (const auto& length : variable.at("shape")) size *= length.get<int64_t>();
    count += size - variable.at("held").get<int64_t>();
  }
  return count;
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
int64_t deciding_blocks(const RunRecord& record) {
  if (!record.contains("blocks")) return 1;
  return std::count_if(record["blocks"].begin(), record["blocks"].end(),
                       [](const RunRecord& block) { return block.value("method", "") != "gibbs"; });
}

/// What ended the run; none where no rule did.
std::optional<Until> rule_of(const RunRecord& record) {
  if (!record.contains("stopped_by")) return std::nullopt;
  Until until;
  const auto read = [&](const char* key, std::optional<double>& value) {
    if (record["stopped_by"].contains(key)) value = record["stopped_by"][key].get<double>();
  };
  read("rhat", until.rhat);
  read("ess", until.ess);
  read("mcse", until.mcse);
  read("time", until.seconds);
  return until;
}

LadderFigures ladder_of(const RunRecord& swaps) {
  LadderFigures ladder;
  ladder.replicas = static_cast<int64_t>(swaps.at("temperature").size());
  ladder.hottest = swaps.at("temperature").back().get<double>();
  for (const RunRecord& rate : swaps.at("rate"))
    if (rate.is_number()) ladder.least_swap_rate = std::min(ladder.least_swap_rate, rate.get<double>());
  if (const auto hottest = swaps.find("hottest_energy"); hottest != swaps.end() && hottest->at("rhat").is_number())
    ladder.hottest_rhat = hottest->at("rhat").get<double>();
  return ladder;
}

}  // namespace

RunRecord record_of(const LadderEnergies& energies) {
  return {{"ladders", energies.ladders}, {"draws", energies.draws},   {"mean", energies.mean},
          {"between", energies.between}, {"within", energies.within}, {"rhat", energies.rhat()}};
}

std::string time_now() { return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::time(nullptr))); }

RunRecord open_record(const Session& session, const Words& command, const std::vector<std::string>& pictures) {
  const Composition& composition = session.composition();
  const SampleSettings& sample = composition.sample;
  RunRecord record;
  record["potluck"] = kVersion;
  record["state"] = "running";
  record["why_stopped"] = nullptr;
  record["started"] = time_now();
  record["ended"] = nullptr;
  record["command"] = command;
  record["file"] = composition.file;
  const std::unique_ptr<Method> method = make_method(run_options(sample));
  record["method"] = method->description().name;
  record["exact_method"] = method->description().exact;
  if (sample.blocks.empty())
    record["options"] = method_options(sample.method, sample.method_values);
  else
    record["blocks"] = blocks_of(sample);
  record["wanted_acceptance"] = wanted_acceptance(*method);
  record["chains"] = sample.chains;
  if (sample.superchain > 1) record["superchain"] = sample.superchain;
  if (sample.cooling.any()) record["cooling"] = {{"from", sample.cooling.from}, {"steps", sample.cooling.steps}};
  record["warmup"] = sample.warmup;
  record["steps"] = sample.steps;
  record["thin"] = sample.thin;
  record["seed"] = sample.seed;
  record["temperature"] = sample.temperature;
  record["precision"] = sample.precision == Precision::kFloat32 ? "float32" : "float64";
  record["start"] = session.start().description();
  record["pictures"] = pictures;
  add_surroundings(record, session);
  record["hard_walls"] = session.plan().hard_walls();
  if (!session.plan().mixtures().mixtures.empty()) record["mixtures"] = record_of(session.plan().mixtures());
  return record;
}

void add_surroundings(RunRecord& record, const Session& session) {
  const Composition& composition = session.composition();
  record["device"] = device_name(session.device());
  record["threads"] = session.options().threads;
  record["machine"] = {{"processor", processor_name()},
                       {"instructions", instruction_level()},
                       {"kernels", row_kernels().name},
                       {"compiler", __VERSION__}};
  record["libtorch"] = libtorch_of(session);
  record["variables"] = variables_of(composition);
  record["experts"] = session.plan().experts();
  record["plugins"] = plugins_of(session);
  record["files"] = composition.files;
  // What a pipe held is had only once.
  if (composition.piped) record["file_text"] = *composition.piped;
  if (!session.estimates().empty()) record["log_z"] = record_of(session.estimates());
  record["explanation"] = session.plan().explanation();
  record["composition"] = composition.resolved;
  record["warnings"] = session.warnings();
}

void note_beginning(RunRecord& record, const Beginning& beginning) {
  record["start"] = beginning.start;
  record["exact_start"] = beginning.exact_start;
  record["start_energy"] = beginning.start_energy;
  if (beginning.step_size) record["step_size"] = *beginning.step_size;
  if (beginning.warmup_nan_proposals) record["warmup_nan_proposals"] = *beginning.warmup_nan_proposals;
}

void close_record(RunRecord& record, const RunSummary& run) {
  record["state"] = run.interrupted ? "interrupted" : "done";
  record["why_stopped"] = run.why_stopped;
  record["ended"] = time_now();
  record["start"] = run.start;
  record["exact_start"] = run.exact_start;
  record["steps_done"] = run.steps_done;
  record["draws"] = run.draws;
  record["step_size"] = run.step_size;
  if (run.trajectory_length > 0) record["trajectory_length"] = run.trajectory_length;
  for (size_t b = 0; b < run.blocks.size(); ++b) {
    if (run.blocks[b].step_size > 0) record["blocks"][b]["step_size"] = run.blocks[b].step_size;
    if (run.blocks[b].trajectory_length > 0) record["blocks"][b]["trajectory_length"] = run.blocks[b].trajectory_length;
  }
  record["acceptance"] = run.acceptance;
  add_step_figures(record, run);
  if (run.energy_shares.moments().count > 0)
    record["expert_energies"] =
        expert_energies_record(run.energy_shares, record.at("experts").get<std::vector<std::string>>());
  record["gradient_evaluations"] = {{"warmup", run.warmup_evaluations}, {"sampling", run.evaluations}};
  record["rows_evaluated"] = {{"warmup", run.warmup_rows_evaluated}, {"sampling", run.rows_evaluated}};
  record["divergences"] = run.divergences;
  RunRecord virial = RunRecord::object();
  for (const VariableVirial& one : run.virial) {
    if (one.estimate.chains == 0) continue;
    // Of one chain there is no standard error, which JSON then has as null.
    virial[one.variable] = {{"temperature", one.estimate.temperature},
                            {"standard_error", one.estimate.standard_error},
                            {"chains", one.estimate.chains}};
  }
  record["virial"] = virial;
  if (!run.swaps.rate.empty())
    record["swaps"] = {{"temperature", run.swaps.temperature},
                       {"rate", run.swaps.rate},
                       {"attempts", run.swaps.attempts},
                       {"barrier", run.swaps.barrier},
                       {"round_trips_per_ladder_and_step", run.swaps.round_trips},
                       {"hottest_energy", record_of(run.swaps.hottest)}};
  record["nan_proposals"] = run.nan_proposals;
  record["warmup_nan_proposals"] = run.warmup_nan_proposals;
  record["start_energy"] = run.start_energy;
  record["frozen_count"] = run.frozen_count;
  RunRecord frozen = RunRecord::array();
  for (const FrozenChain& chain : run.frozen) {
    RunRecord energies = RunRecord::object(), not_finite = RunRecord::object();
    for (size_t e = 0; e < chain.expert_energy.size(); ++e) {
      const std::string expert = record["experts"].at(e);
      const double energy = chain.expert_energy[e];
      energies[expert] = std::isfinite(energy) ? RunRecord(energy) : RunRecord(nullptr);
      // JSON has no infinities: beside the null, which of them it is.
      if (!std::isfinite(energy)) not_finite[expert] = std::isnan(energy) ? "nan" : energy > 0 ? "inf" : "-inf";
    }
    frozen.push_back({{"chain", chain.chain},
                      {"step", chain.step},
                      {"expert_energy", std::move(energies)},
                      {"not_finite", std::move(not_finite)}});
  }
  record["frozen"] = frozen;
  record["seconds"] = {{"warmup", run.warmup_seconds}, {"sampling", run.sampling_seconds}};
  record["notes"] = run.notes;
}

RunFigures figures_of(const RunRecord& record) {
  RunFigures run;
  run.method = record.value("method", "");
  if (record.contains("exact_method")) run.exact_method = record["exact_method"].get<bool>();
  name_step_option(run);
  run.chains = record.value("chains", int64_t{0});
  run.temperature = record.value("temperature", 1.0);
  run.momenta = fresh_momenta(record);
  run.warmup = record.value("warmup", int64_t{0});
  run.cooled = record.contains("cooling");
  run.blocks = record.contains("blocks");
  if (deciding_blocks(record) == 0) run.step_option.clear();  // gibbs has no steps
  run.hard_walls = record.value("hard_walls", false);
  if (record.contains("mixtures")) run.mixtures = mixtures_of(record["mixtures"]);
  if (record.contains("wanted_acceptance") && record["wanted_acceptance"].is_number())
    run.wanted_acceptance = record["wanted_acceptance"].get<double>();
  if (record.contains("exact_start")) run.exact_start = record["exact_start"].get<bool>();
  if (record.value("step_size", 0.0) > 0) run.step_size = record["step_size"].get<double>();
  if (record.contains("start_energy") && record["start_energy"].is_number())
    run.start_energy = record["start_energy"].get<double>() / run.temperature;
  run.ended = record.contains("steps_done");
  if (!run.ended) return run;

  run.draws = record.at("draws");
  run.steps = record.at("steps_done");
  run.steps_asked = record.at("steps");
  run.stopped_by = rule_of(record);
  run.frozen = record.at("frozen_count");
  run.divergences = record.at("divergences").get<int64_t>();
  // The variable whose temperature is furthest off speaks for all.
  double worst = -1;
  for (const auto& [variable, figures] : record.at("virial").items()) {
    if (!figures.at("standard_error").is_number() || !figures.at("temperature").is_number()) continue;
    const VirialEstimate estimate{figures.at("temperature"), figures.at("standard_error"), figures.at("chains")};
    const double z = std::abs(estimate.z(run.temperature));
    if (!(z > worst)) continue;
    worst = z;
    run.virial = estimate;
    run.virial_of = variable;
  }
  if (record.contains("expert_energies")) {
    for (const RunRecord& expert : record["expert_energies"].at("experts")) {
      const RunRecord& share = expert.at("share");
      run.expert_shares.push_back(share.is_number() ? share.get<double>() : std::nan(""));
    }
  }
  if (record.contains("swaps")) run.ladder = ladder_of(record["swaps"]);
  if (!record.at("frozen").empty()) run.first_frozen = frozen_text(record.at("frozen")[0]);
  if (run.exact_method.value_or(false) && deciding_blocks(record) > 0) {
    run.acceptance = record.at("acceptance").is_number() ? record.at("acceptance").get<double>() : std::nan("");
    const int64_t decisions = deciding_blocks(record);
    const double proposals =
        static_cast<double>(run.chains) * static_cast<double>(decisions) * static_cast<double>(run.steps);
    if (proposals > 0) run.nan_proposal_share = record.at("nan_proposals").get<double>() / proposals;
  }
  return run;
}

void note_rule(RunRecord& record, const Until& until, bool by_time) {
  RunRecord rule = RunRecord::object();
  if (!by_time && until.rhat) rule["rhat"] = *until.rhat;
  if (!by_time && until.ess) rule["ess"] = *until.ess;
  if (!by_time && until.mcse) rule["mcse"] = *until.mcse;
  if (by_time && until.seconds) rule["time"] = *until.seconds;
  record["stopped_by"] = rule;
}

void add_verdict(RunRecord& record, const RunVerdict& verdict) {
  record["verdict"] = {{"usable", verdict.usable()}, {"text", verdict.text()}};
  RunRecord& warnings = record["warnings"];
  for (const Finding& finding : verdict.findings) {
    const bool said = std::find(warnings.begin(), warnings.end(), RunRecord(finding.text)) != warnings.end();
    if (finding.weight != Finding::Weight::kNote && !said) warnings.push_back(finding.text);
  }
}

void fail_record(RunRecord& record, const std::string& error) {
  record["state"] = "failed";
  record["why_stopped"] = error;
  record["ended"] = time_now();
}

void write_record(const std::filesystem::path& folder, const RunRecord& record) {
  write_whole_file(folder / "run.json", utf8_of_bytes_in(record).dump(2) + "\n");
}

void write_or_leave(const std::filesystem::path& folder, const RunRecord& record) noexcept {
  try {
    write_record(folder, record);
  } catch (const std::exception&) {
    leave_last_words("failed", record["why_stopped"].get_ref<const std::string&>().c_str());
  }
}

RunRecord read_record(const std::filesystem::path& folder) {
  const std::filesystem::path file = folder / "run.json";
  std::ifstream stream(file, std::ios::binary);
  if (!stream) blame_machine(file, errno);
  if (!stream)
    throw FileError(fmt::format("{} must be the folder of a run, got none with run.json in it", folder.string()));
  const std::string text((std::istreambuf_iterator<char>(stream)), std::istreambuf_iterator<char>());
  return parse_record(text, file.string());
}

std::optional<std::string> piped_text(const RunRecord& record) {
  if (!record.contains("file_text")) return std::nullopt;
  return record["file_text"].get<std::string>();
}

}  // namespace potluck
